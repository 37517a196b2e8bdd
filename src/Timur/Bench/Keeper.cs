using System.Text;
using Timur.Bench.Candidates;
using Timur.Kernel;
using Timur.Kernel.Launcher;

namespace Timur.Bench;

/// <summary>
/// A process that outlives the benchmark, however that ends, and then cleans its workplace: it holds one end of a socket, and the kernel tells it when the
/// other end is gone. To be started before the first thread.
/// </summary>
internal sealed class Keeper : IDisposable
{
    /// <summary>The hidden command of this process.</summary>
    internal const string Verb = "__bench-keeper";

    private const int Inherited = 3;

    private readonly Launched _process;
    private readonly Fd _connection;

    private Keeper(Launched process, Fd connection) => (_process, _connection) = (process, connection);

    internal static Keeper Start(Workplace work)
    {
        (Fd near, Fd far) = Sockets.Pair(SocketKind.Stream);
        using (far)
        {
            return new Keeper(Spawning.Background(["timur-bench-keeper", Verb, work.Directory], Workplace.Environment, far), near);
        }
    }

    /// <summary>The keeper's own life: waits for the other end to go, cleans, tells what didn't work.</summary>
    internal static int Run(ReadOnlySpan<string> words)
    {
        using Fd connection = Descriptors.Standard(Inherited);
        Span<byte> buffer = stackalloc byte[16];
        while (Files.TryRead(connection, buffer, out _) > 0)
        {
        }

        List<string> failed = Workplace.Remove(words[0]);
        Files.TryWrite(connection, Encoding.UTF8.GetBytes(string.Join('\n', failed)), out _);
        return failed.Count == 0 ? 0 : 1;
    }

    /// <summary>Lets it clean now, and waits until it has. Returns what it couldn't give back.</summary>
    internal string[] Finish()
    {
        Sockets.ShutdownWrite(_connection);
        byte[] text = Files.TryReadAll(_connection, out _) ?? [];
        Processes.TryReap(_process.Pid, wait: true, out _);
        return Encoding.UTF8.GetString(text).Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    public void Dispose()
    {
        _connection.Dispose();
        _process.Dispose();
    }
}
