namespace Timur.Kernel;

/// <summary>
/// Network namespaces of the calling thread (network_namespaces(7)). Only the thread moves: whoever calls these must not await in between, and
/// must read /proc/thread-self, because /proc/self shows the first thread's namespace.
/// </summary>
public static class NetworkNamespaces
{
    private const int CloneNewNet = 0x40000000;

    /// <summary>A descriptor of the namespace that the calling thread is in.</summary>
    public static Fd Current() => Files.Open("/proc/thread-self/ns/net");

    /// <summary>unshare(2): moves the calling thread into a new namespace, in which only a loopback link exists, and that is down.</summary>
    public static void Unshare() => Sys.Check(Sys.Call(Nr.unshare, CloneNewNet), "unshare(net)");

    /// <summary>setns(2): moves the calling thread into the namespace.</summary>
    public static void Enter(Fd space) => Sys.Check(Sys.Call(Nr.setns, space.Raw, CloneNewNet), "setns(net)");

    /// <summary>Runs something in a namespace that exists and comes back.</summary>
    public static T Inside<T>(Fd space, Func<T> inside)
    {
        using Fd home = Current();
        Enter(space);
        try
        {
            return inside();
        }
        finally
        {
            Enter(home);
        }
    }

    /// <summary>
    /// Makes a namespace, runs <paramref name="inside"/> in it and comes back to where the thread was; returns the namespace's descriptor.
    /// The namespace lives as long as that descriptor, a process in it, or a socket made in it.
    /// </summary>
    public static Fd Create<T>(Func<T> inside, out T result)
    {
        using Fd home = Current();
        Unshare();
        try
        {
            Fd made = Current();
            try
            {
                result = inside();
                return made;
            }
            catch
            {
                made.Dispose();
                throw;
            }
        }
        finally
        {
            Enter(home);
        }
    }
}
