namespace Timur.Runtime;

/// <summary>Kernel parameters that belong to a namespace (sysctl(8), namespaces(7)).</summary>
public static class Sysctls
{
    /// <summary>
    /// The path below /proc/sys. Which of dot and slash comes first is the separator; the other belongs to names (the interface <c>eth0.1</c> is
    /// <c>net.ipv4.conf.eth0/1</c> or <c>net/ipv4/conf/eth0.1</c>).
    /// </summary>
    public static string ToPath(string key)
    {
        int first = key.AsSpan().IndexOfAny('.', '/');
        return first < 0 || key[first] == '/' ? key : string.Create(key.Length, key, (path, text) =>
        {
            for (int i = 0; i < text.Length; i++)
            {
                path[i] = text[i] switch { '.' => '/', '/' => '.', char other => other };
            }
        });
    }

    /// <summary>
    /// Which namespace the parameter belongs to: <c>ipc</c>, <c>network</c> or <c>uts</c>; null when it would change the host, or its path leads up.
    /// </summary>
    public static string? NamespaceOf(string key)
    {
        string path = ToPath(key);
        if (path.Split('/').Contains(".."))
        {
            return null;
        }

        string dotted = path.Replace('/', '.');
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
