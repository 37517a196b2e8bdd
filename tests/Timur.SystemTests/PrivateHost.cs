using System.Diagnostics;
using Timur.Kernel;
using Timur.State;

namespace Timur.SystemTests;

/// <summary>A host of the test's own: a thread in a network namespace of its own, and a store in a temporary directory.</summary>
internal sealed class PrivateHost
{
    private PrivateHost(string root)
    {
        Paths = new DataPaths(root, root + "/run");
    }

    internal DataPaths Paths { get; }

    /// <summary>Runs the test on a thread that is in a fresh namespace; the thread ends with the test, so that nobody else is ever in it.</summary>
    internal static void Run(Action<PrivateHost> test)
    {
        Exception? failure = null;
        string root = Directory.CreateTempSubdirectory("timur-net-").FullName;
        var thread = new Thread(() =>
        {
            try
            {
                NetworkNamespaces.Unshare();
                Execute("ip", "link set lo up");
                test(new PrivateHost(root));
            }
#pragma warning disable CA1031 // carried over to the test's own thread
            catch (Exception e)
#pragma warning restore CA1031
            {
                failure = e;
            }
        });
        thread.Start();
        thread.Join();
        Directory.Delete(root, recursive: true);
        if (failure is not null)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
        }
    }

    /// <summary>Runs a program in the calling thread's namespace; its output, exit code included when it isn't 0.</summary>
    internal static string Execute(string program, string arguments)
    {
        // fork copies the calling thread, and with it the namespace that this thread is in.
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        string output = process.StandardOutput.ReadToEnd() + process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output : $"{output}exit {process.ExitCode}";
    }

    /// <summary>Runs a program inside a namespace.</summary>
    internal static string Inside(Fd space, string program, string arguments)
    {
        using Fd home = NetworkNamespaces.Current();
        NetworkNamespaces.Enter(space);
        try
        {
            return Execute(program, arguments);
        }
        finally
        {
            NetworkNamespaces.Enter(home);
        }
    }
}
