namespace Timur.Runtime;

/// <summary>Kernel parameters that belong to a namespace (sysctl(8), namespaces(7)).</summary>
public static class Sysctls
{
    /// <summary>The path below /proc/sys. Dots separate; where a slash is used instead, dots belong to a name (an interface such as <c>eth0.1</c>).</summary>
    public static string ToPath(string key) => key.Contains('/') ? key : key.Replace('.', '/');

    /// <summary>
    /// Which namespace the parameter belongs to: <c>ipc</c>, <c>network</c> or <c>uts</c>; null when it would change the host.
    /// </summary>
    public static string? NamespaceOf(string key)
    {
        string dotted = key.Replace('/', '.');
        if (dotted.StartsWith("net.", StringComparison.Ordinal))
        {
            return "network";
        }

        if (dotted.StartsWith("fs.mqueue.", StringComparison.Ordinal) || dotted is "kernel.msgmax" or "kernel.msgmnb" or "kernel.msgmni" or "kernel.sem" or "kernel.shmall"
            or "kernel.shmmax" or "kernel.shmmni" or "kernel.shm_rmid_forced")
        {
            return "ipc";
        }

        return dotted is "kernel.domainname" or "kernel.hostname" ? "uts" : null;
    }
}
