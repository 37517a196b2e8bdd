using Timur.Build;
using Timur.CommandLine;
using Timur.Engine;
using Timur.Images;

namespace Timur.Cli;

/// <summary>The options of <c>timur build</c> as a build wants them.</summary>
internal static class BuildArgumentsReader
{
    internal static BuildOptions Read(Arguments arguments, BuildContext source, string[] forEachRun, IBuildProgress progress)
    {
        foreach (string volume in arguments.Texts("volume").Where(volume => volume is not ['/' or '.' or '~', ..]))
        {
            throw new Failure($"--volume {volume}: a build takes the path of a directory, not a volume's name", "for what stays between builds write RUN --mount=type=cache,target=DIR");
        }

        Dictionary<string, string> values = BuildArguments(arguments.Texts("build-arg"));
        return new BuildOptions
        {
            Dockerfile = arguments.Text("from") is { } first ? source.Dockerfile.StartingFrom(first) : source.Dockerfile,
            Context = source.Tree,
            Target = arguments.Text("target"),
            Arguments = values,
            Labels = Pairs(arguments.Texts("label"), "label"),
            Annotations = Pairs(arguments.Texts("annotation"), "annotation"),
            Variables = BuildArguments(arguments.Texts("env")),
            UnsetVariables = arguments.Texts("unsetenv").ToHashSet(),
            UnsetLabels = arguments.Texts("unsetlabel").ToHashSet(),
            NamedContexts = Contexts(arguments.Texts("build-context")),
            Secrets = arguments.Texts("secret").Select(Secret).ToDictionary(),
            SshAgents = arguments.Texts("ssh").Select(Agent).ToDictionary(),
            CacheFrom = [.. arguments.Texts("cache-from").Select(text => Steps(text, "cache-from", "src"))],
            CacheTo = [.. arguments.Texts("cache-to").Select(text => Steps(text, "cache-to", "dest"))],
            IgnoresCache = arguments.Has("no-cache"),
            IgnoresCacheOf = [.. arguments.Texts("no-cache-filter").SelectMany(text => text.Split(','))],
            Pull = arguments.Text("pull-policy") ?? PullPolicy(arguments.Text("pull")),
            Platform = PlatformArguments.Read(arguments),
            Network = arguments.Text("network") switch
            {
                null or "default" or "bridge" or "private" => "bridge",
                "none" or "host" => arguments.Text("network")!,
                { } other => throw new Failure($"--network {other} isn't possible for a build", "use default, none or host"),
            },
            AllowsInsecure = arguments.Texts("allow").Contains("security.insecure"),
            RunWords = [.. arguments.Given.Where(given => Array.IndexOf(forEachRun, given.Option.Name) >= 0).Select(given => $"--{given.Option.Name}={given.Value}")],
            Squashes = arguments.Has("squash") || arguments.Text("layers") == "false",
            SquashesAll = arguments.Has("squash-all"),
            OpensShell = arguments.Text("on-error") switch
            {
                null or "fail" => false,
                "shell" => Kernel.Terminal.Is(Kernel.Descriptors.Standard(0)) ? true : throw new Failure("--on-error=shell needs a terminal", "leave it out, or run it from a terminal"),
                { } other => throw new Failure($"--on-error={other} isn't known", "use fail or shell"),
            },
            Epoch = arguments.Text("timestamp") is { } seconds ? SourceDateEpoch.Parse(seconds, "--timestamp") : values.TryGetValue("SOURCE_DATE_EPOCH", out string? epoch) ? SourceDateEpoch.Parse(epoch) : SourceDateEpoch.Value,
            Registry = () => new ImageSource(RegistryArguments.Settings(arguments), new BuildTransfers(progress)),
        };
    }

    /// <summary>The words of Docker and of Podman.</summary>
    private static string PullPolicy(string? text) => text switch
    {
        null or "false" or "0" or "missing" or "ifmissing" => "missing",
        "true" or "1" or "always" => "always",
        "newer" or "ifnewer" => "newer",
        "never" => "never",
        _ => throw new Failure($"--pull={text} isn't known", "use always, missing, newer or never"),
    };

    /// <summary>A repository as Podman has it, or <c>type=registry,ref=…</c> or <c>type=local,dest=…</c> as Docker has them.</summary>
    /// <param name="directory">The word for a directory: dest where steps go to, src where they come from.</param>
    private static StepPlace Steps(string text, string option, string directory)
    {
        var given = new Dictionary<string, string>();
        foreach (string part in text.Contains('=') ? text.Split(',') : [$"ref={text}"])
        {
            string[] pair = part.Split('=', 2);
            given[pair[0]] = pair is [_, var value] && (pair[0] == "mode" ? value is "min" or "max" : pair[0] is "type" or "ref" || pair[0] == directory) ? value
                : throw new Failure($"--{option}: '{part}' isn't known", Advice());
        }

        string type = given.GetValueOrDefault("type", "registry");
        string wanted = type == "local" ? directory : "ref";
        return type is not ("registry" or "local") ? throw new Failure($"--{option} {text}: there is no type {type}", Advice())
            : given.GetValueOrDefault(wanted) is not { Length: > 0 } place ? throw new Failure($"--{option} {text}: {wanted} is missing", Advice())
            : type == "local" ? new StepPlace(Path.GetFullPath(place)) : new StepPlace(ImageName.Parse(place));

        string Advice() => $"write --{option} registry.example/team/steps, type=registry,ref=…, or type=local,{directory}=DIR";
    }

    private static Dictionary<string, string> BuildArguments(IReadOnlyList<string> texts)
    {
        var values = new Dictionary<string, string>();
        foreach (string text in texts)
        {
            int equals = text.IndexOf('=');
            string? value = equals < 0 ? Environment.GetEnvironmentVariable(text) : text[(equals + 1)..];
            if (value is not null)
            {
                values[equals < 0 ? text : text[..equals]] = value;
            }
        }

        return values;
    }

    private static Dictionary<string, string> Pairs(IReadOnlyList<string> texts, string option)
    {
        var pairs = new Dictionary<string, string>();
        foreach (string text in texts)
        {
            int equals = text.IndexOf('=');
            if (equals == 0 || text.Length == 0)
            {
                throw new Failure($"--{option}: '{text}' has no name", $"write --{option} NAME=VALUE");
            }

            pairs[equals < 0 ? text : text[..equals]] = equals < 0 ? "" : text[(equals + 1)..];
        }

        return pairs;
    }

    private static Dictionary<string, string> Contexts(IReadOnlyList<string> texts)
    {
        Dictionary<string, string> contexts = Pairs(texts, "build-context");
        foreach ((string name, string value) in contexts)
        {
            const string docker = "docker-image://";
            contexts[name] = value.StartsWith(docker, StringComparison.Ordinal) ? "container-image://" + value[docker.Length..]
                : value.StartsWith("container-image://", StringComparison.Ordinal) ? value : Path.GetFullPath(value);
        }

        return contexts;
    }

    /// <summary><c>id=NAME,src=FILE</c> or <c>id=NAME,env=VARIABLE</c>; alone, a variable or file of the id's name.</summary>
    private static KeyValuePair<string, SecretSource> Secret(string text)
    {
        string? id = null, file = null, variable = null;
        foreach (string part in text.Split(','))
        {
            int equals = part.IndexOf('=');
            string value = equals < 0 ? "" : part[(equals + 1)..];
            switch (equals < 0 ? part : part[..equals])
            {
                case "id": id = value; break;
                case "src" or "source": file = value; break;
                case "env": variable = value; break;
                case "type" when value is "file" or "env": break;
                default: throw new Failure($"--secret: '{part}' isn't known", "write id=NAME,src=FILE or id=NAME,env=VARIABLE");
            }
        }

        if (string.IsNullOrEmpty(id))
        {
            throw new Failure($"--secret {text} has no id", "write id=NAME,src=FILE or id=NAME,env=VARIABLE");
        }

        variable ??= file is null && Environment.GetEnvironmentVariable(id) is not null ? id : null;
        var source = new SecretSource(variable is null ? Path.GetFullPath(file ?? id) : null, variable);
        source.Check(id);
        return new(id, source);
    }

    private static KeyValuePair<string, string> Agent(string text)
    {
        int equals = text.IndexOf('=');
        string id = equals < 0 ? text : text[..equals];
        string socket = equals < 0 ? Environment.GetEnvironmentVariable("SSH_AUTH_SOCK") ?? throw new Failure($"--ssh {id}: there is no agent (SSH_AUTH_SOCK isn't set)", "start one: eval $(ssh-agent) && ssh-add") : text[(equals + 1)..];
        return Kernel.Files.TryStatus(socket, out Kernel.Errno why, follow: true) is { Kind: Kernel.FileKind.Socket } ? new(id, socket)
            : throw new Failure($"--ssh {text}: {socket} {(why == Kernel.Errno.None ? "isn't the socket of an agent" : Kernel.ErrnoText.Describe(why))}", "load the key into an agent: eval $(ssh-agent) && ssh-add KEY, then --ssh default");
    }
}

/// <summary>Images that a build fetches, as lines among its own.</summary>
internal sealed class BuildTransfers(IBuildProgress progress) : ITransferProgress
{
    public void Begin(string layer, long size)
    {
    }

    public void Advance(string layer, long bytes)
    {
    }

    public void End(string layer, string how) => progress.Say($"  layer {layer}: {how}");

    public void Say(string line) => progress.Say(line);
}
