using Timur.Digests;

namespace Timur.Images;

/// <summary>
/// A name written out: registry, repository, and a tag or a digest. <c>busybox</c> is <c>docker.io/library/busybox:latest</c>; with a tag and a digest the
/// digest counts, as in Docker.
/// </summary>
/// <param name="Full">With registry, repository, and tag or digest.</param>
/// <param name="HasRegistry">False: the registry was filled in.</param>
public readonly record struct ImageName(string Full, bool HasRegistry = true)
{
    private const string DockerHub = "docker.io";
    private const string DefaultPrefix = DockerHub + "/library/";

    /// <summary>Fills in registry, namespace and tag; a name that no registry could have is a <see cref="Failure"/>.</summary>
    public static ImageName Parse(string text)
    {
        int at = text.IndexOf('@');
        string rest = at < 0 ? text : text[..at];
        int slash = rest.IndexOf('/');
        string first = slash < 0 ? "" : rest[..slash];
        bool hasRegistry = first.AsSpan().IndexOfAny(".:") >= 0 || first == "localhost";
        string path = hasRegistry ? rest[(slash + 1)..] : rest;
        int colon = path.LastIndexOf(':');
        string tag = colon >= 0 ? path[(colon + 1)..] : "latest";
        path = colon >= 0 ? path[..colon] : path;
        if (!IsPath(path) || !IsTag(tag) || (hasRegistry && !IsRegistry(first)))
        {
            throw new Failure($"'{text}' isn't an image name", "names are lower case, such as busybox, debian:bookworm or registry.example/team/app:1.2");
        }

        string registry = !hasRegistry || first == "index.docker.io" ? DockerHub : first;
        string repository = registry == DockerHub && !path.Contains('/') ? "library/" + path : path;
        return new ImageName(at < 0 ? $"{registry}/{repository}:{tag}" : $"{registry}/{repository}@{Digests.Digest.Parse(text[(at + 1)..], text)}", hasRegistry);
    }

    /// <summary>Host and port of the registry; <c>docker.io</c> for Docker Hub.</summary>
    public string Registry => Full[..Full.IndexOf('/')];

    /// <summary>The repository inside its registry, such as <c>library/busybox</c>.</summary>
    public string Path => Full[(Full.IndexOf('/') + 1)..End];

    /// <summary>The digest, when the name has one.</summary>
    public Digest? Digest => Full.IndexOf('@') is var at and >= 0 ? Digests.Digest.Parse(Full[(at + 1)..], Full) : null;

    /// <summary>It names one manifest for good, instead of a tag.</summary>
    public bool HasDigest => Full.Contains('@');

    /// <summary>Tag or digest, as it is asked for.</summary>
    public string Reference => Full[(End + 1)..];

    /// <summary>Without what a person would leave out, but with the tag.</summary>
    public string Familiar => Short(Full);

    /// <summary>The name without its tag, as people write it.</summary>
    public string Repository => Short(Full[..End]);

    /// <summary>The tag; <c>&lt;none&gt;</c> for a name with a digest.</summary>
    public string Tag => Digest is null ? Reference : "<none>";

    /// <summary>As a file name.</summary>
    internal string FileName => Full.Replace("/", "%2F");

    private int End => Full.IndexOf('@') is var at and >= 0 ? at : Full.LastIndexOf(':');

    /// <summary>Another tag of the same repository.</summary>
    internal ImageName WithTag(string tag) => new($"{Full[..End]}:{tag}");

    /// <summary>A digest instead of the tag.</summary>
    internal ImageName WithDigest(string digest) => new($"{Full[..End]}@{digest}");

    public bool Equals(ImageName other) => Full == other.Full;

    public override int GetHashCode() => Full.GetHashCode();

    internal static ImageName FromFileName(string file) => new(file.Replace("%2F", "/"));

    private static string Short(string name) => name.StartsWith(DefaultPrefix, StringComparison.Ordinal) ? name[DefaultPrefix.Length..]
        : name.StartsWith(DockerHub + "/", StringComparison.Ordinal) ? name[(DockerHub.Length + 1)..] : name;

    /// <summary>Components of letters and digits with single separators between them (OCI distribution-spec, "Pulling manifests").</summary>
    private static bool IsPath(string path)
        => path.Length is > 0 and <= 255 && path.AsSpan().IndexOfAnyExcept("abcdefghijklmnopqrstuvwxyz0123456789._-/") < 0
            && Array.TrueForAll(path.Split('/'), part => part.Length > 0 && char.IsAsciiLetterOrDigit(part[0]) && char.IsAsciiLetterOrDigit(part[^1]));

    private static bool IsTag(string tag)
        => tag.Length is > 0 and <= 128 && tag[0] is not ('.' or '-') && tag.AsSpan().IndexOfAnyExcept("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") < 0;

    private static bool IsRegistry(string host)
    {
        string[] parts = host.Split(':');
        return parts.Length <= 2 && parts[0].Length > 0 && parts[0].AsSpan().IndexOfAnyExcept("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") < 0
            && parts[0][0] is not ('.' or '-') && (parts.Length == 1 || (ushort.TryParse(parts[1], out ushort port) && port > 0));
    }
}
