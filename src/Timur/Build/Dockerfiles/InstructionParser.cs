using System.Globalization;

namespace Timur.Build.Dockerfiles;

/// <summary>Instructions from their text: flags, forms, and what each demands.</summary>
internal sealed class InstructionParser(char escape)
{
    internal static readonly string[] Keywords =
    [
        "ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "MAINTAINER", "ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR",
    ];

    internal Instruction Parse(RawInstruction raw)
    {
        string keyword = raw.Keyword.ToUpperInvariant();
        if (Array.IndexOf(Keywords, keyword) < 0)
        {
            throw raw.At.Error($"there is no instruction '{raw.Keyword}'", DockerfileReader.Suggest(keyword, Keywords));
        }

        if (raw.Rest.Length == 0 && keyword is not ("CMD" or "ENTRYPOINT"))
        {
            throw raw.At.Error($"{keyword} needs something behind it", Example(keyword));
        }

        var flags = new InstructionFlags(raw, keyword, escape);
        Instruction instruction = keyword switch
        {
            "FROM" => From(raw, flags),
            "ARG" => Arg(raw),
            "RUN" => Run(raw, flags),
            "COPY" or "ADD" => Copy(raw, flags, keyword == "ADD"),
            "ENV" => new EnvInstruction(raw.At, Pairs(raw, flags.Rest, keyword)),
            "LABEL" => new LabelInstruction(raw.At, Pairs(raw, flags.Rest, keyword)),
            "EXPOSE" => new ExposeInstruction(raw.At, Words.Split(flags.Rest, escape)),
            "VOLUME" => new VolumeInstruction(raw.At, Volumes(raw)),
            "CMD" or "ENTRYPOINT" => new CommandInstruction(raw.At, keyword, Command(flags.Rest)),
            "SHELL" => new ShellInstruction(raw.At, Words.TryJson(flags.Rest) is { Count: > 0 } words ? words : throw raw.At.Error("SHELL is written as a JSON list", "for example SHELL [\"/bin/bash\", \"-c\"]")),
            "HEALTHCHECK" => Healthcheck(raw, flags),
            "ONBUILD" => OnBuild(raw),
            _ => new TextInstruction(raw.At, keyword, flags.Rest),
        };
        flags.RefuseOthers();
        return instruction;
    }

    private static FromInstruction From(RawInstruction raw, InstructionFlags flags)
    {
        string? platform = flags.Take("platform");
        string[] words = flags.Rest.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
        return words switch
        {
            [var image] => new FromInstruction(raw.At, image, platform, null),
            [var image, var word, var name] when word.Equals("as", StringComparison.OrdinalIgnoreCase) => new FromInstruction(raw.At, image, platform, StageName(raw, name)),
            _ => throw raw.At.Error("FROM takes an image, and AS with a name for the stage", Example("FROM")),
        };
    }

    private static string StageName(RawInstruction raw, string name)
    {
        string lower = name.ToLowerInvariant();
        return char.IsAsciiLetter(lower[0]) && lower.AsSpan().IndexOfAnyExcept("abcdefghijklmnopqrstuvwxyz0123456789-_.") < 0 ? lower
            : throw raw.At.Error($"'{name}' can't be the name of a stage", "names start with a letter and go on with letters, digits, '-', '_' and '.'");
    }

    private ArgInstruction Arg(RawInstruction raw)
    {
        var variables = new List<(string, string?)>();
        foreach (string word in Words.Split(raw.Rest, escape))
        {
            int equals = word.IndexOf('=');
            string name = equals < 0 ? word : word[..equals];
            if (!IsName(name))
            {
                throw raw.At.Error($"'{name}' can't be the name of a variable", Example("ARG"));
            }

            variables.Add((name, equals < 0 ? null : word[(equals + 1)..]));
        }

        return new ArgInstruction(raw.At, variables);
    }

    private RunInstruction Run(RawInstruction raw, InstructionFlags flags)
    {
        IReadOnlyList<string> mounts = flags.TakeAll("mount");
        string? network = flags.Take("network");
        string? security = flags.Take("security");
        if (flags.Rest.Length == 0)
        {
            throw raw.At.Error("RUN needs a command", Example("RUN"));
        }

        bool isDocument = raw.Documents.Count == 1 && Words.Split(flags.Rest, escape) is [var word] && word.StartsWith("<<", StringComparison.Ordinal);
        HereDocument? script = isDocument ? raw.Documents[0] : null;
        string line = script?.Content ?? flags.Rest;
        if (script is null)
        {
            // The shell reads them itself.
            foreach (HereDocument document in raw.Documents)
            {
                line += $"\n{document.Raw}{document.End}";
            }
        }

        return new RunInstruction(raw.At, script is null ? Command(line) : new CommandForm([line], IsShell: true), script, mounts, network, security);
    }

    private CopyInstruction Copy(RawInstruction raw, InstructionFlags flags, bool isAdd)
    {
        string keyword = isAdd ? "ADD" : "COPY";
        string? owner = flags.Take("chown");
        string? mode = flags.Take("chmod");
        bool link = flags.TakeSwitch("link") ?? false;
        IReadOnlyList<string> excluded = flags.TakeAll("exclude");
        string? from = isAdd ? null : flags.Take("from");
        bool parents = !isAdd && (flags.TakeSwitch("parents") ?? false);
        string? checksum = isAdd ? flags.Take("checksum") : null;
        bool keepGit = isAdd && (flags.TakeSwitch("keep-git-dir") ?? false);
        bool? unpacks = isAdd ? flags.TakeSwitch("unpack") : null;
        IReadOnlyList<string> words = Words.TryJson(flags.Rest) ?? Words.Split(flags.Rest, escape);
        if (words.Count < 2)
        {
            throw raw.At.Error($"{keyword} needs sources and a place for them", Example(keyword));
        }

        return new CopyInstruction(raw.At, isAdd, [.. words.Take(words.Count - 1)], words[^1], raw.Documents)
        {
            From = from, Owner = owner, Mode = mode, Checksum = checksum, KeepsParents = parents, IsLink = link, KeepsGit = keepGit, Unpacks = unpacks, Excluded = excluded,
        };
    }

    /// <summary><c>NAME=VALUE ...</c>, or the old form <c>NAME VALUE</c>, whose value is the rest of the line.</summary>
    private List<(string Name, string Value)> Pairs(RawInstruction raw, string text, string keyword)
    {
        var pairs = new List<(string, string)>();
        List<string> words = Words.Split(text, escape);
        if (words.Count == 0)
        {
            throw raw.At.Error($"{keyword} needs a name and a value", Example(keyword));
        }

        if (!words[0].Contains('='))
        {
            string name = words[0];
            string value = text[(text.IndexOf(name, StringComparison.Ordinal) + name.Length)..].Trim();
            return words.Count > 1 ? [(name, value)] : throw raw.At.Error($"{keyword} {name} has no value", Example(keyword));
        }

        foreach (string word in words)
        {
            int equals = word.IndexOf('=');
            if (equals <= 0)
            {
                throw raw.At.Error($"{keyword}: '{word}' isn't NAME=VALUE", Example(keyword));
            }

            pairs.Add((word[..equals], word[(equals + 1)..]));
        }

        return pairs;
    }

    private IReadOnlyList<string> Volumes(RawInstruction raw)
    {
        IReadOnlyList<string> directories = Words.TryJson(raw.Rest) ?? Words.Split(raw.Rest, escape);
        return directories.Count > 0 && directories.All(directory => directory.Length > 0) ? directories : throw raw.At.Error("VOLUME needs directories", Example("VOLUME"));
    }

    private HealthcheckInstruction Healthcheck(RawInstruction raw, InstructionFlags flags)
    {
        var health = new HealthcheckInstruction(raw.At, null)
        {
            Interval = flags.TakeDuration("interval"),
            Timeout = flags.TakeDuration("timeout"),
            StartPeriod = flags.TakeDuration("start-period"),
            StartInterval = flags.TakeDuration("start-interval"),
            Retries = flags.Take("retries") is not { } text ? null
                : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int count) ? count : throw raw.At.Error($"--retries: '{text}' isn't a number", "for example --retries=3"),
        };
        string[] words = flags.Rest.Split([' ', '\t'], 2);
        return words[0].ToUpperInvariant() switch
        {
            "NONE" when words.Length == 1 => health,
            "CMD" when words.Length == 2 => health with { Test = Command(words[1].Trim()) },
            _ => throw raw.At.Error("HEALTHCHECK takes CMD with a command, or NONE", Example("HEALTHCHECK")),
        };
    }

    private static OnBuildInstruction OnBuild(RawInstruction raw)
    {
        string inner = raw.Rest.Split([' ', '\t'], 2)[0].ToUpperInvariant();
        if (inner is "ONBUILD" or "FROM" or "MAINTAINER")
        {
            throw raw.At.Error($"ONBUILD {inner} isn't possible", "write the instruction into the Dockerfile that uses this image");
        }

        if (Array.IndexOf(Keywords, inner) < 0)
        {
            throw raw.At.Error($"ONBUILD: there is no instruction '{inner}'", DockerfileReader.Suggest(inner, Keywords));
        }

        string text = raw.Rest;
        foreach (HereDocument document in raw.Documents)
        {
            text += $"\n{document.Raw}{document.End}";
        }

        return new OnBuildInstruction(raw.At, text);
    }

    private static CommandForm Command(string text) => Words.TryJson(text) is { } words ? new CommandForm(words, IsShell: false) : new CommandForm(text.Length == 0 ? [] : [text], IsShell: true);

    internal static bool IsName(string name)
        => name.Length > 0 && !char.IsAsciiDigit(name[0]) && name.AsSpan().IndexOfAnyExcept("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") < 0;

    private static string Example(string keyword) => "for example " + keyword switch
    {
        "ADD" => "ADD files.tar.gz /srv/",
        "ARG" => "ARG VERSION=1.2",
        "COPY" => "COPY --from=build /src/app /usr/bin/",
        "ENV" => "ENV MODE=fast",
        "EXPOSE" => "EXPOSE 80",
        "FROM" => "FROM debian:bookworm AS build",
        "HEALTHCHECK" => "HEALTHCHECK --interval=30s CMD wget -q localhost || exit 1",
        "LABEL" => "LABEL version=1.2",
        "ONBUILD" => "ONBUILD COPY . /app",
        "RUN" => "RUN apt-get update",
        "SHELL" => "SHELL [\"/bin/bash\", \"-c\"]",
        "STOPSIGNAL" => "STOPSIGNAL SIGINT",
        "USER" => "USER nobody",
        "VOLUME" => "VOLUME /data",
        "WORKDIR" => "WORKDIR /app",
        _ => keyword + " …",
    };
}
