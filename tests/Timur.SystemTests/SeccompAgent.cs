using System.Runtime.InteropServices;
using Timur.Kernel;

namespace Timur.SystemTests;

/// <summary>Answers one call that a filter asks about (seccomp_unotify(2)).</summary>
internal static class SeccompAgent
{
    private const nuint Receive = 0xc0502100;
    private const nuint Send = 0xc0182101;
    private const int Patience = 10_000;

    /// <summary>Waits for a call, and lets it fail with this error.</summary>
    internal static void Refuse(Fd filter, Errno error)
    {
        using var epoll = new Epoll();
        epoll.Add(filter, 0);
        if (epoll.Wait(new (int, Ready)[1], Patience) != 1)
        {
            throw new TimeoutException("the filter asks nothing");
        }

        // struct seccomp_notif is 80 bytes and starts with the id; struct seccomp_notif_resp is id, value, error and flags.
        ulong[] question = new ulong[10];
        Demand(ioctl(filter.Raw, Receive, question));
        Demand(ioctl(filter.Raw, Send, [question[0], 0, (uint)-(int)error]));
    }

    private static void Demand(int result)
    {
        if (result != 0)
        {
            throw new InvalidOperationException(Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError()));
        }
    }

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int ioctl(int fd, nuint request, ulong[] argument);
}
