using Timur.Kernel;

namespace Timur.Images.Registry.Configuration;

/// <summary>
/// What <c>registries.conf</c> and the files of <c>registries.conf.d</c> say (containers-registries.conf(5)): mirrors, other places, blocked registries, short
/// names. The same files as Podman's; where there are none, names are Docker's.
/// </summary>
internal sealed class RegistriesConfig
{
    private const string System = "/etc/containers";
    private readonly Dictionary<string, RegistryRule> _rules = [];
    private readonly Dictionary<string, string> _aliases = [];
    private IReadOnlyList<string> _search = [];
    private bool _enforced;

    /// <summary>
    /// <c>CONTAINERS_REGISTRIES_CONF</c>, else the person's file, else the machine's; then the files of both registries.conf.d in the order of their names, of which
    /// the later one counts. A malformed one is a <see cref="Failure"/>.
    /// </summary>
    internal static RegistriesConfig Load()
    {
        var config = new RegistriesConfig();
        string home = Environment.GetEnvironmentVariable("HOME") ?? "/root";
        string own = (Environment.GetEnvironmentVariable("XDG_CONFIG_HOME") ?? home + "/.config") + "/containers";
        string[] files = Environment.GetEnvironmentVariable("CONTAINERS_REGISTRIES_CONF") is { Length: > 0 } given ? [given] : [$"{own}/registries.conf", $"{System}/registries.conf"];
        if (files.Select(TomlPart.TryRead).FirstOrDefault(part => part is not null) is { } main)
        {
            config.Add(main);
        }

        foreach (string directory in (string[])[$"{System}/registries.conf.d", $"{own}/registries.conf.d"])
        {
            foreach (string name in Directories.List(directory).Select(entry => entry.Name).Where(name => name.EndsWith(".conf", StringComparison.Ordinal)).Order(StringComparer.Ordinal))
            {
                if (TomlPart.TryRead($"{directory}/{name}") is { } part)
                {
                    config.Add(part);
                }
            }
        }

        return config;
    }

    /// <summary>Where an image of that full name is asked for, in this order. A blocked one is a <see cref="Failure"/>.</summary>
    internal IReadOnlyList<RegistrySource> Sources(string name, bool byDigest)
        => RuleFor(name) is { } rule ? [.. rule.Sources(name, byDigest)] : [new RegistrySource(name, IsInsecure: false, IsMirror: false)];

    /// <summary>Where an image of that full name is pushed: never to a mirror.</summary>
    internal RegistrySource Target(string name) => RuleFor(name)?.Itself(name) ?? new RegistrySource(name, IsInsecure: false, IsMirror: false);

    /// <summary>
    /// Full names that a name without a registry may mean: its alias, or one for each search registry, or none when nothing is configured.
    /// </summary>
    /// <param name="path">Without tag and digest, such as <c>debian</c>.</param>
    /// <param name="suffix"><c>:TAG</c> or <c>@DIGEST</c>.</param>
    internal IReadOnlyList<string> Candidates(string path, string suffix)
        => _aliases.TryGetValue(path, out string? alias) ? [alias + suffix] : [.. _search.Select(registry => $"{registry}/{path}{suffix}")];

    /// <summary>Where <c>short-name-mode</c> is <c>enforcing</c>, a name that several registries are asked for is a <see cref="Failure"/>.</summary>
    internal void Enforce(string path)
    {
        if (_enforced && _search.Count > 1 && !_aliases.ContainsKey(path))
        {
            throw new Failure($"'{path}' could be in any of {string.Join(", ", _search)}", $"say which, for example {_search[0]}/{path}; the list and short-name-mode=enforcing are in registries.conf");
        }
    }

    /// <summary>Registries that are asked for names without one.</summary>
    internal IReadOnlyList<string> SearchRegistries => _search;

    private RegistryRule? RuleFor(string name)
    {
        RegistryRule? best = null;
        foreach (RegistryRule rule in _rules.Values)
        {
            if (rule.Covers(name) > 0 && (best is null || rule.Prefix.Length > best.Prefix.Length))
            {
                best = rule;
            }
        }

        return best is { IsBlocked: true }
            ? throw new Failure($"{name} is blocked: {best.Place} says that nothing of {best.Prefix} is fetched", "whoever runs this machine has decided so; take the image from elsewhere")
            : best;
    }

    private void Add(TomlPart part)
    {
        if (part.Members.TryGetValue("registries", out TomlPart? first))
        {
            throw first.Complain("this is the first format of registries.conf, which is no longer in use");
        }

        if (part.Members.ContainsKey("unqualified-search-registries"))
        {
            _search = part.Texts("unqualified-search-registries");
        }

        switch (part.Text("short-name-mode"))
        {
            case null: break;
            case "enforcing": _enforced = true; break;
            case "permissive" or "disabled": _enforced = false; break;
            case { } other: throw part.Members["short-name-mode"].Complain($"short-name-mode is '{other}', and may be enforcing, permissive or disabled");
        }

        foreach (RegistryRule rule in part.List("registry").Select(RegistryRule.Read))
        {
            _rules[rule.Prefix] = rule;
        }

        if (part.Members.TryGetValue("aliases", out TomlPart? aliases))
        {
            foreach (string name in aliases.Members.Keys)
            {
                // An empty one takes an earlier file's alias back.
                if (aliases.Text(name) is { Length: > 0 } full)
                {
                    _aliases[name] = full;
                }
                else
                {
                    _aliases.Remove(name);
                }
            }
        }
    }
}
