using System.Globalization;
using Timur.Build.Dockerfiles;

namespace Timur.Build;

/// <summary><c>RUN --mount=type=…</c> (Dockerfile reference, "RUN --mount").</summary>
internal sealed record RunMount
{
    /// <summary>bind, cache, tmpfs, secret or ssh.</summary>
    internal required string Type { get; init; }

    internal string? Id { get; init; }

    internal string Source { get; init; } = "";

    /// <summary>Empty where there is a default.</summary>
    internal string Target { get; init; } = "";

    internal string? From { get; init; }

    internal bool? ReadOnly { get; init; }

    internal bool Required { get; init; }

    internal string Sharing { get; init; } = "shared";

    internal long? Size { get; init; }

    internal uint? Mode { get; init; }

    internal uint User { get; init; }

    internal uint Group { get; init; }

    /// <summary>The variable that gets the secret.</summary>
    internal string? Variable { get; init; }

    /// <summary>Keys of each type, in the order of the Dockerfile reference; their other spellings are <see cref="Known"/>'s.</summary>
    private static readonly Dictionary<string, string[]> Keys = new()
    {
        ["bind"] = ["target", "source", "from", "readwrite"],
        ["cache"] = ["id", "target", "readonly", "sharing", "from", "source", "mode", "uid", "gid"],
        ["tmpfs"] = ["target", "size"],
        ["secret"] = ["id", "target", "env", "required", "mode", "uid", "gid"],
        ["ssh"] = ["id", "target", "required", "mode", "uid", "gid"],
    };

    internal static RunMount Parse(string text, Expansion expansion, Place at)
    {
        var mount = new RunMount { Type = "bind" };
        var given = new List<string>();
        foreach (string part in text.Split(','))
        {
            int equals = part.IndexOf('=');
            string key = (equals < 0 ? part : part[..equals]).Trim().ToLowerInvariant();
            string? value = equals < 0 ? null : expansion.Word(part[(equals + 1)..].Trim());
            mount = mount.With(key, value, at);
            given.Add(key);
        }

        return mount.Checked(given, at);
    }

    private static string Known(string key) => key switch
    {
        "src" => "source",
        "dst" or "destination" => "target",
        "ro" => "readonly",
        "rw" => "readwrite",
        _ => key,
    };

    private RunMount With(string key, string? value, Place at)
    {
        return Known(key) switch
        {
            "type" => this with { Type = Needed() },
            "id" => this with { Id = Needed() },
            "source" => this with { Source = Needed() },
            "target" => this with { Target = Needed() },
            "from" => this with { From = Needed() },
            "readonly" => this with { ReadOnly = Flag() },
            "readwrite" => this with { ReadOnly = !Flag() },
            "required" => this with { Required = Flag() },
            "sharing" => this with { Sharing = Needed() is "shared" or "private" or "locked" ? value! : throw Wrong("shared, private or locked") },
            "size" => this with { Size = ByteSize.TryParse(Needed(), out ByteSize size) ? size.Bytes : throw Wrong("a size such as 64m") },
            "mode" => this with { Mode = TryOctal(Needed(), out uint mode) ? mode : throw Wrong("an octal number such as 0400") },
            "uid" => this with { User = Id() },
            "gid" => this with { Group = Id() },
            "env" => this with { Variable = Needed() },
            _ => this,
        };

        string Needed() => string.IsNullOrEmpty(value) ? throw at.Error($"RUN --mount: {key} needs a value", $"write {key}=…") : value;
        bool Flag() => value is null or "true" or "1" || (value is "false" or "0" ? false : throw Wrong("true or false"));
        uint Id() => uint.TryParse(Needed(), NumberStyles.None, CultureInfo.InvariantCulture, out uint id) ? id : throw Wrong("a number");
        Failure Wrong(string what) => at.Error($"RUN --mount: {key}={value} isn't possible", $"it is {what}");
    }

    internal static bool TryOctal(string text, out uint mode)
    {
        mode = 0;
        foreach (char c in text)
        {
            if (c is < '0' or > '7' || mode > 0x1FF)
            {
                return false;
            }

            mode = (mode << 3) | (uint)(c - '0');
        }

        return text.Length > 0;
    }

    private RunMount Checked(List<string> given, Place at)
    {
        bool needsTarget = Type is "bind" or "cache" or "tmpfs";
        if (!Keys.TryGetValue(Type, out string[]? keys))
        {
            throw at.Error($"RUN --mount: there is no type '{Type}'", $"types are {string.Join(' ', Keys.Keys)}");
        }

        // Whether it may be written to is said of bind and cache in either way.
        if (given.Find(key => key != "type" && !keys.Contains(Known(key)) && !(Type is "bind" or "cache" && Known(key) is "readonly" or "readwrite")) is { } foreign)
        {
            throw at.Error($"RUN --mount=type={Type} has no key '{foreign}'", $"its keys are {string.Join(' ', keys)}");
        }

        if (needsTarget && Target.Length == 0)
        {
            throw at.Error($"RUN --mount=type={Type} needs a target", "for example target=/src");
        }

        return Type == "secret" && Id is null && Target.Length == 0 ? throw at.Error("RUN --mount=type=secret needs an id or a target", "for example id=token") : this;
    }
}
