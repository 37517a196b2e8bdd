using Timur.Kernel;
using Timur.Oci;

namespace Timur.Images;

/// <summary>
/// The built-in image <c>host</c>: a disposable copy of this machine. Its layer is "/" itself, so nothing is copied; changes stay in the container.
/// </summary>
public static class HostImage
{
    /// <summary>Directories that a container of this image finds empty.</summary>
    public static IReadOnlyList<string> HiddenDirectories { get; } = ["/root", "/home", "/etc/ssh", "/var/lib/timur", "/run", "/tmp", "/var/tmp"];

    /// <summary>Files and directories with secrets, hidden where they exist.</summary>
    public static IReadOnlyList<string> HiddenPaths { get; } = ["/etc/shadow", "/etc/shadow-", "/etc/gshadow", "/etc/gshadow-", "/etc/ssl/private", "/boot"];

    /// <summary>
    /// Sentences on directories that are file systems of their own: an overlay shows only the one that "/" is on (overlayfs.rst), so that the container finds there what
    /// the mount hides here, mostly nothing.
    /// </summary>
    internal static IEnumerable<string> Missing() => MayBeApart.Where(path => Files.TryStatus(path, out _) is { IsMountRoot: true })
        .Select(path => $"{path} is a file system of its own, which the image 'host' doesn't show; if it is needed: -v {path}:{path}:ro");

    private static IReadOnlyList<string> MayBeApart { get; } = ["/usr", "/var", "/home", "/opt", "/srv"];

    internal static Image Create() => new(new string('0', 64), "host", ["/"], new ImageConfig { Cmd = ["/bin/sh"], WorkingDir = "/" });
}
