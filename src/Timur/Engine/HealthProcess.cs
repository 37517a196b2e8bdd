using System.Text;
using Timur.CommandLine;
using Timur.Images;
using Timur.Kernel;
using Timur.Kernel.Launcher;
using Timur.State;

namespace Timur.Engine;

/// <summary>
/// The process that asks a container how it is, again and again, beside its monitor: what one check needs of memory doesn't stay with the other. It ends when the
/// monitor does.
/// </summary>
public sealed class HealthProcess
{
    /// <summary>The hidden command of this process.</summary>
    public const string Verb = "__health";

    private const int Inherited = 3;

    /// <summary>Bytes of a check's output that are remembered, as in Docker.</summary>
    private const int LongestOutput = 4096;

    /// <summary>Milliseconds between looks at a check that goes on: its output is taken, so that it never waits for a reader.</summary>
    private const int Look = 50;

    private const int Kill = 9;

    private readonly ContainerStore _store;
    private readonly ContainerId _id;
    private readonly HealthPlan _plan;
    private readonly Fd _monitor;

    private HealthProcess(ContainerStore store, ContainerId id, HealthPlan plan, Fd monitor) => (_store, _id, _plan, _monitor) = (store, id, plan, monitor);

    /// <summary>Starts it; it ends when the returned descriptor is closed.</summary>
    internal static Fd Start(DataPaths paths, ContainerId id)
    {
        (Fd near, Fd far) = Sockets.Pair(SocketKind.SequencedPacket);
        using (far)
        {
            using Launched _ = Spawning.Background(["timur-health", Verb, paths.Root, paths.Run, id.Text], ["DOTNET_GCHeapHardLimit=0x2000000", "DOTNET_TieredCompilation=0"], far);
            return near;
        }
    }

    /// <summary>The process's own life.</summary>
    public static int Run(ReadOnlySpan<string> words)
    {
        var store = new ContainerStore(new DataPaths(words[0], words[1]));
        ContainerId id = ContainerId.Parse(words[2]);
        if (store.TryLoad(id) is not { } container || HealthPlan.Of(container.Options, ImageOf(store, container)) is not { } plan)
        {
            return 0;
        }

        using Fd monitor = Descriptors.Standard(Inherited);
        new HealthProcess(store, id, plan, monitor).Serve();
        return 0;
    }

    internal static Image? ImageOf(ContainerStore store, Container container)
        => container.Record.ImageId.Trim('0').Length == 0 ? null : ImageStore.Open(store.Paths).TryResolve(container.Record.ImageId);

    private void Serve()
    {
        HealthRecord record = HealthRecord.New;
        DateTimeOffset started = DateTimeOffset.UtcNow;
        while (!Ends(Pause(record, started)))
        {
            if (_store.TryLoad(_id) is not { } container)
            {
                return;
            }

            if (container.State.Status != ContainerStatus.Running)
            {
                // Frozen, it can't answer; that is no illness.
                continue;
            }

            HealthCheckRun run = Check(container);
            if (Ends(TimeSpan.Zero))
            {
                return;
            }

            record = record.With(run, _plan.Retries, counts: DateTimeOffset.UtcNow - started >= _plan.StartPeriod);
            record.Save(_store.Paths, _id);
        }
    }

    private TimeSpan Pause(HealthRecord record, DateTimeOffset started)
        => record.Status == HealthRecord.Starting && DateTimeOffset.UtcNow - started < _plan.StartPeriod && _plan.StartInterval < _plan.Interval ? _plan.StartInterval : _plan.Interval;

    /// <summary>Waits; true when the monitor has ended.</summary>
    private bool Ends(TimeSpan wait) => Processes.WaitForEnd(_monitor, (int)Math.Min(wait.TotalMilliseconds, int.MaxValue));

    private HealthCheckRun Check(Container container)
    {
        long start = Now;
        try
        {
            (Fd read, Fd write) = Sockets.Pipe();
            using (read)
            {
                Descriptors.SetNonBlocking(read);
                Launched process;
                using (write)
                {
                    Arguments arguments = Arguments.Parse("exec", ExecSession.Options, ["--", container.Name, .. _plan.Command], stopAtOperand: true);
                    process = new ExecSession(_store, ImageStore.Open(_store.Paths)).Start(container, arguments, size: null, output: write);
                }

                using (process)
                {
                    return Await(process, read, start);
                }
            }
        }
        catch (Exception e) when (e is Failure or SyscallException)
        {
            return new HealthCheckRun(start, Now, -1, e.Message);
        }
    }

    private HealthCheckRun Await(Launched process, Fd output, long start)
    {
        var text = new List<byte>();
        bool ended = false;
        while (!ended && Now - start < _plan.Timeout.TotalMilliseconds)
        {
            ended = Processes.WaitForEnd(process.Process, (int)Math.Clamp(start + _plan.Timeout.TotalMilliseconds - Now, 0, Look));
            Take(output, text);
        }

        if (!ended)
        {
            Processes.TryKill(process.Process, Kill, out _);
        }

        ProcessEnd? end = Processes.TryReap(process.Pid, wait: true, out _);
        Take(output, text);
        return ended ? new HealthCheckRun(start, Now, end?.ShellCode ?? -1, Encoding.UTF8.GetString([.. text]))
            : new HealthCheckRun(start, Now, -1, $"Health check exceeded timeout ({_plan.Timeout.TotalSeconds:0.###}s)" + (text.Count > 0 ? ": " + Encoding.UTF8.GetString([.. text]) : ""));
    }

    private static void Take(Fd output, List<byte> text)
    {
        Span<byte> buffer = stackalloc byte[LongestOutput];
        int count;
        while ((count = Files.TryRead(output, buffer, out _)) > 0)
        {
            text.AddRange(buffer[..Math.Min(count, LongestOutput - text.Count)]);
        }
    }

    private static long Now => DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
}
