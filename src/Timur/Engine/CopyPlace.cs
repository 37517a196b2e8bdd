using System.Text;
using Timur.Kernel;

namespace Timur.Engine;

/// <summary>
/// A path below a root that somebody else may change at any moment: every step is resolved by openat2(2) with that root as "/", and what was found is held by a
/// descriptor, so nothing outside is ever reached.
/// </summary>
/// <param name="What">How messages call it.</param>
/// <param name="IsHost">This machine's own tree, where links such as those in /proc/self/fd are followed as for any program.</param>
internal sealed record CopyPlace(Fd Root, string Path, string What, bool IsHost)
{
    private const int MostLinks = 40;

    /// <summary>Only what is in the directory is meant: the path ends with <c>/.</c>.</summary>
    internal bool MeansContent => Path.EndsWith("/.", StringComparison.Ordinal) || Name.Length == 0;

    /// <summary>Only a directory is meant.</summary>
    internal bool MeansDirectory => MeansContent || Path.EndsWith('/');

    /// <summary>The last component; empty for the root itself.</summary>
    internal string Name
    {
        get
        {
            string name = Trimmed[(Trimmed.LastIndexOf('/') + 1)..];
            return name is "." or ".." ? "" : name;
        }
    }

    private string Trimmed => (Path.EndsWith("/.", StringComparison.Ordinal) ? Path[..^2] : Path).TrimEnd('/');

    private Resolve Rules => IsHost ? Resolve.None : Resolve.InRoot | Resolve.NoMagicLinks;

    /// <summary>A handle (O_PATH) of what is there; a last symbolic link is itself unless it is followed.</summary>
    internal Fd OpenSource(bool follow)
    {
        Open flags = Open.Path | (MeansDirectory ? Open.Directory : Open.Read) | (follow || MeansDirectory ? Open.Read : Open.NoFollow);
        return Files.TryOpenInRoot(Root, Relative(Path), flags, out Errno why, resolve: Rules)
            ?? throw new Failure($"cp: {What}: {why.Describe()}", why != Errno.ENOENT ? null : IsHost ? "check the path; it is one of this machine" : "check the path; it is taken from the container's root", why == Errno.ENOENT ? 1 : 125);
    }

    /// <summary>
    /// Where something is to be put: a directory that is there (and no name), or a name in a directory. A last symbolic link counts as what it leads to, inside the root.
    /// </summary>
    internal (Fd Directory, byte[] Name, FileKind? There) OpenTarget()
    {
        string path = Relative(Trimmed);
        for (int i = 0; i < MostLinks; i++)
        {
            int slash = path.LastIndexOf('/');
            string name = path[(slash + 1)..];
            if (name is "" or "." or "..")
            {
                return (OpenDirectory(path), [], FileKind.Directory);
            }

            Fd parent = OpenDirectory(slash < 0 ? "" : path[..slash]);
            using Fd? there = Files.TryOpenInRoot(parent, name, Open.Path | Open.NoFollow, out _, resolve: Resolve.Beneath | Resolve.NoMagicLinks);
            FileKind? kind = there is null ? null : Files.Status(there).Kind;
            if (kind == FileKind.Directory)
            {
                parent.Dispose();
                return (Descriptors.Duplicate(there!), [], kind);
            }

            if (kind != FileKind.SymbolicLink || Files.TryReadLink(there!, out _) is not { } target)
            {
                return (parent, Encoding.UTF8.GetBytes(name), kind);
            }

            parent.Dispose();
            path = Relative(target.StartsWith('/') ? target : $"{(slash < 0 ? "" : path[..slash])}/{target}").TrimEnd('/');
        }

        throw new Failure($"cp: {What}: {Errno.ELOOP.Describe()}");
    }

    private Fd OpenDirectory(string path) => Files.TryOpenInRoot(Root, path.Length == 0 ? "." : path, Open.Path | Open.Directory, out Errno why, resolve: Rules)
        ?? throw new Failure($"cp: {What}: {why.Describe()}", "the directory has to be there: make it first");

    private static string Relative(string path) => path.TrimStart('/') is { Length: > 0 } rest ? rest : ".";
}
