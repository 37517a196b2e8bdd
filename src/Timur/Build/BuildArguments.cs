using Timur.Build.Dockerfiles;
using Timur.Images.Registry;

namespace Timur.Build;

/// <summary>
/// Values of ARG (Dockerfile reference, "Scope"): those before the first FROM are seen by FROM only, until a stage asks for them by name; the command line's win
/// over defaults.
/// </summary>
internal sealed class BuildArguments
{
    /// <summary>Every RUN sees them without ARG when they are given, and they are no part of a step's key: where a proxy stands changes nothing.</summary>
    private static readonly string[] Proxies = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "FTP_PROXY", "ftp_proxy", "NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy"];

    private readonly IReadOnlyDictionary<string, string> _given;
    private readonly Dictionary<string, string> _platform = [];
    private readonly Dictionary<string, string?> _globals = [];
    private readonly HashSet<string> _used = [];

    internal BuildArguments(Dockerfile file, BuildOptions options)
    {
        _given = options.Arguments;
        AddPlatform("BUILD", Platform.Own);
        AddPlatform("TARGET", options.Platform is { } text ? Platform.Parse(text) : Platform.Own);
        _platform["TARGETSTAGE"] = options.Target ?? file.Stages[^1].From.Name ?? "default";
        foreach (ArgInstruction arg in file.Globals)
        {
            foreach ((string name, string? fallback) in arg.Variables)
            {
                var expansion = new Expansion(Global, file.Escape, arg.At);
                _globals[name] = Given(name) ?? (fallback is null ? _platform.GetValueOrDefault(name) : expansion.Word(fallback));
            }
        }
    }

    /// <summary>A variable as FROM sees it.</summary>
    internal string? Global(string name) => _globals.TryGetValue(name, out string? value) ? value : _platform.GetValueOrDefault(name);

    /// <summary>The value that ARG in a stage gives a name; null when it has none.</summary>
    /// <param name="fallback">The instruction's default.</param>
    internal string? Declare(string name, string? fallback) => Given(name) ?? fallback ?? Global(name) ?? (Array.IndexOf(Proxies, name) >= 0 ? Proxy(name) : null);

    /// <summary><c>NAME=VALUE</c> for every RUN.</summary>
    internal IEnumerable<string> ProxyVariables => Proxies.Where(name => Proxy(name) is not null).Select(name => $"{name}={Proxy(name)}");

    internal static bool IsProxy(string name) => Array.IndexOf(Proxies, name) >= 0;

    /// <summary>Names on the command line that no ARG asked for.</summary>
    internal IEnumerable<string> Unused => _given.Keys.Where(name => !_used.Contains(name) && !IsProxy(name) && name is not ("SOURCE_DATE_EPOCH" or "BUILDKIT_INLINE_CACHE"));

    private string? Proxy(string name) => _given.GetValueOrDefault(name);

    private string? Given(string name)
    {
        lock (_used)
        {
            _used.Add(name);
        }

        return _given.GetValueOrDefault(name);
    }

    private void AddPlatform(string prefix, Platform platform)
    {
        _platform[prefix + "PLATFORM"] = platform.ToString();
        _platform[prefix + "OS"] = platform.Os;
        _platform[prefix + "ARCH"] = platform.Architecture;
        _platform[prefix + "VARIANT"] = platform.Variant;
    }
}
