using System.Runtime.InteropServices;

namespace Timur.Images.Registry;

/// <summary>What an image runs on: <c>linux/amd64</c>, <c>linux/arm/v7</c> (OCI image-spec image-index.md, "platform").</summary>
public sealed record Platform(string Os, string Architecture, string Variant = "")
{
    /// <summary>This machine's.</summary>
    public static Platform Own { get; } = new("linux", RuntimeInformation.OSArchitecture switch
    {
        System.Runtime.InteropServices.Architecture.X64 => "amd64",
        System.Runtime.InteropServices.Architecture.Arm64 => "arm64",
        System.Runtime.InteropServices.Architecture.Arm or System.Runtime.InteropServices.Architecture.Armv6 => "arm",
        System.Runtime.InteropServices.Architecture.X86 => "386",
        var other => other.ToString().ToLowerInvariant(),
    });

    /// <summary><c>OS/ARCHITECTURE[/VARIANT]</c>, or one of the first two alone; other spellings such as x86_64 and aarch64 are understood.</summary>
    public static Platform Parse(string text)
    {
        string[] parts = text.ToLowerInvariant().Split('/');
        if (parts.Length > 3 || Array.Exists(parts, part => part.Length == 0 || part.AsSpan().IndexOfAnyExcept("abcdefghijklmnopqrstuvwxyz0123456789._-") >= 0))
        {
            throw new Failure($"'{text}' isn't a platform", "write OS/ARCHITECTURE, such as linux/amd64 or linux/arm/v7");
        }

        if (parts.Length == 1)
        {
            return parts[0] is "linux" or "windows" or "freebsd" ? Own with { Os = parts[0] } : Normal(Own.Os, parts[0], "");
        }

        return Normal(parts[0], parts[1], parts.Length == 3 ? parts[2] : "");
    }

    /// <summary>How well an image of the other platform serves this one: 0 not at all, more is better.</summary>
    public int Fit(Platform other)
    {
        Platform wanted = Normal(Os, Architecture, Variant);
        Platform offered = Normal(other.Os, other.Architecture, other.Variant);
        if (wanted.Os != offered.Os || wanted.Architecture != offered.Architecture)
        {
            return 0;
        }

        if (wanted.Architecture != "arm")
        {
            // amd64's variants name instructions beyond the common ones: the plain one runs everywhere.
            return wanted.Variant == offered.Variant ? 3 : offered.Variant.Length == 0 ? 2 : wanted.Variant.Length == 0 ? 0 : 1;
        }

        int most = Version(wanted.Variant.Length == 0 ? "v7" : wanted.Variant);
        int has = Version(offered.Variant.Length == 0 ? "v7" : offered.Variant);
        return has <= most ? 1 + has : 0;
    }

    public override string ToString() => Variant.Length == 0 ? $"{Os}/{Architecture}" : $"{Os}/{Architecture}/{Variant}";

    private static int Version(string variant) => variant.Length == 2 && variant[0] == 'v' && char.IsAsciiDigit(variant[1]) ? variant[1] - '0' : 0;

    private static Platform Normal(string os, string architecture, string variant) => (architecture, variant) switch
    {
        ("x86_64" or "x86-64", _) => new Platform(os, "amd64", variant == "v1" ? "" : variant),
        ("amd64", "v1") => new Platform(os, "amd64"),
        ("aarch64", _) or ("arm64", "v8") => new Platform(os, "arm64", variant == "v8" ? "" : variant),
        ("i386" or "i686", _) => new Platform(os, "386"),
        ("armhf", _) => new Platform(os, "arm", "v7"),
        ("armel", _) => new Platform(os, "arm", "v6"),
        _ => new Platform(os, architecture, variant),
    };
}
