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

    internal static Image Create() => new(new string('0', 64), "host", ["/"], new ImageConfig { Cmd = ["/bin/sh"], WorkingDir = "/" });
}
