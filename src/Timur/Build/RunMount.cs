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

    internal static RunMount Parse(string text, Expansion expansion, Place at)
    {
        var mount = new RunMount { Type = "bind" };
        foreach (string part in text.Split(','))
        {
            int equals = part.IndexOf('=');
            string key = (equals < 0 ? part : part[..equals]).Trim().ToLowerInvariant();
            string? value = equals < 0 ? null : expansion.Word(part[(equals + 1)..].Trim());
            mount = mount.With(key, value, at);
        }

        return mount.Checked(at);
    }

    private RunMount With(string key, string? value, Place at)
    {
        return key switch
        {
            "type" => this with { Type = Needed() },
            "id" => this with { Id = Needed() },
            "source" or "src" => this with { Source = Needed() },
            "target" or "dst" or "destination" => this with { Target = Needed() },
            "from" => this with { From = Needed() },
            "readonly" or "ro" => this with { ReadOnly = Flag() },
            "readwrite" or "rw" => this with { ReadOnly = !Flag() },
            "required" => this with { Required = Flag() },
            "sharing" => this with { Sharing = Needed() is "shared" or "private" or "locked" ? value! : throw Wrong("shared, private or locked") },
            "size" => this with { Size = ByteSize.TryParse(Needed(), out ByteSize size) ? size.Bytes : throw Wrong("a size such as 64m") },
            "mode" => this with { Mode = TryOctal(Needed(), out uint mode) ? mode : throw Wrong("an octal number such as 0400") },
            "uid" => this with { User = Id() },
            "gid" => this with { Group = Id() },
            "env" => this with { Variable = Needed() },
            _ => throw at.Error($"RUN --mount has no key '{key}'", "keys are type id source target from readonly required sharing size mode uid gid env"),
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

    private RunMount Checked(Place at)
    {
        bool needsTarget = Type is "bind" or "cache" or "tmpfs";
        if (Type is not ("bind" or "cache" or "tmpfs" or "secret" or "ssh"))
        {
            throw at.Error($"RUN --mount: there is no type '{Type}'", "types are bind cache tmpfs secret ssh");
        }

        if (needsTarget && Target.Length == 0)
        {
            throw at.Error($"RUN --mount=type={Type} needs a target", "for example target=/src");
        }

        return Type == "secret" && Id is null && Target.Length == 0 ? throw at.Error("RUN --mount=type=secret needs an id or a target", "for example id=token") : this;
    }
}
