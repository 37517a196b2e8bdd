namespace Timur.Images;

/// <summary>A name and tag, written out: <c>busybox</c> is <c>docker.io/library/busybox:latest</c>.</summary>
public readonly record struct ImageName(string Full)
{
    private const string DefaultPrefix = "docker.io/library/";

    /// <summary>Fills in registry, namespace and tag; a name that no registry could have is a <see cref="Failure"/>.</summary>
    public static ImageName Parse(string text)
    {
        string rest = text;
        int slash = rest.IndexOf('/');
        string first = slash < 0 ? "" : rest[..slash];
        bool hasRegistry = first.Contains('.') || first.Contains(':') || first == "localhost";
        string path = hasRegistry ? rest[(slash + 1)..] : rest;
        int colon = path.LastIndexOf(':');
        string tag = colon >= 0 ? path[(colon + 1)..] : "latest";
        path = colon >= 0 ? path[..colon] : path;
        bool valid = path.Length > 0 && tag.Length is > 0 and <= 128 && path.AsSpan().IndexOfAnyExcept("abcdefghijklmnopqrstuvwxyz0123456789._-/") < 0
            && path[0] is not ('/' or '.' or '-' or '_') && !path.EndsWith('/') && !path.Contains("//", StringComparison.Ordinal)
            && tag.AsSpan().IndexOfAnyExcept("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") < 0;
        if (!valid)
        {
            throw new Failure($"'{text}' isn't an image name", "names are lower case, such as busybox, debian:bookworm or registry.example/team/app:1.2");
        }

        string registry = hasRegistry ? first : "docker.io";
        string repository = !hasRegistry && !path.Contains('/') ? "library/" + path : path;
        return new ImageName($"{registry}/{repository}:{tag}");
    }

    /// <summary>Without what a person would leave out, but with the tag.</summary>
    public string Familiar => Full.StartsWith(DefaultPrefix, StringComparison.Ordinal) ? Full[DefaultPrefix.Length..]
        : Full.StartsWith("docker.io/", StringComparison.Ordinal) ? Full["docker.io/".Length..] : Full;

    /// <summary>The name without its tag, as people write it.</summary>
    public string Repository => Familiar[..Familiar.LastIndexOf(':')];

    public string Tag => Full[(Full.LastIndexOf(':') + 1)..];

    /// <summary>As a file name.</summary>
    internal string FileName => Full.Replace("/", "%2F");

    internal static ImageName FromFileName(string file) => new(file.Replace("%2F", "/"));
}
