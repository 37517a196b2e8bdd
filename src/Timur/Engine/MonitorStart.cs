using Timur.Engine.Monitoring;
using Timur.Kernel;
using Timur.Kernel.Launcher;

namespace Timur.Engine;

/// <summary>
/// A monitor process that waits for its order. It is started first, so that it comes up on another core while the container is being prepared.
/// Disposing before <see cref="Send"/> ends it.
/// </summary>
public sealed class MonitorStart : IDisposable
{
    private readonly Launched _process;

    private MonitorStart(Launched process, Fd connection)
    {
        _process = process;
        Connection = connection;
    }

    /// <summary>The socket to the monitor.</summary>
    public Fd Connection { get; }

    public int Pid => _process.Pid;

    /// <summary>Start time in clock ticks.</summary>
    public ulong StartTime => Processes.StartTime(Pid) ?? 0;

    public static MonitorStart Begin()
    {
        (Fd near, Fd far) = Sockets.Pair(SocketKind.SequencedPacket);
        using (far)
        {
            return new MonitorStart(Spawning.Background(["timur-monitor", "__monitor"], Settings(), far), near);
        }
    }

    internal void Send(MonitorOrder order, IReadOnlyList<Fd> descriptors)
    {
        using Fd memory = Descriptors.Memory("order", order.ToBytes());
        Span<int> raw = stackalloc int[descriptors.Count + 1];
        raw[0] = memory.Raw;
        for (int i = 0; i < descriptors.Count; i++)
        {
            raw[i + 1] = descriptors[i].Raw;
        }

        if (!Sockets.TrySend(Connection, [1], raw, out Errno why))
        {
            throw new SyscallException("sendmsg", why, "the monitor");
        }
    }

    public void Dispose()
    {
        Connection.Dispose();
        _process.Dispose();
    }

    /// <summary>A small heap and nothing of the caller's environment.</summary>
    private static string[] Settings() => ["DOTNET_GCHeapHardLimit=0x1000000", "DOTNET_TieredCompilation=0"];
}
