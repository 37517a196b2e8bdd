using Timur.CommandLine;
using Timur.Kernel;
using Timur.Oci;
using Timur.Runtime.Containers;

namespace Timur.Cli.Oci;

/// <summary><c>update</c>: new limits, from a file (<c>-</c> is standard input) or from options.</summary>
internal static class UpdateCommand
{
    internal static Option[] Options { get; } =
    [
        Option.Value("resources", "FILE", "limits as JSON (config-linux.md, linux.resources); - reads standard input", 'r'),
        Option.Value("memory", "BYTES", "memory"),
        Option.Value("memory-reservation", "BYTES", "memory below which nothing is taken away"),
        Option.Value("memory-swap", "BYTES", "memory and swap together"),
        Option.Value("kernel-memory", "BYTES", "ignored: kernels have no such limit any more"),
        Option.Value("kernel-memory-tcp", "BYTES", "TCP buffers"),
        Option.Value("cpu-share", "N", "CPU shares"),
        Option.Value("cpu-shares", "N", "CPU shares"),
        Option.Value("cpu-quota", "MICROSECONDS", "CPU time in each period"),
        Option.Value("cpu-period", "MICROSECONDS", "length of a period"),
        Option.Value("cpu-burst", "MICROSECONDS", "what may be saved up"),
        Option.Value("cpu-rt-runtime", "MICROSECONDS", "real-time budget"),
        Option.Value("cpu-rt-period", "MICROSECONDS", "length of a real-time period"),
        Option.Value("cpu-idle", "0|1", "only what nobody else wants"),
        Option.Value("cpuset-cpus", "LIST", "CPUs"),
        Option.Value("cpuset-mems", "LIST", "memory nodes"),
        Option.Value("pids-limit", "N", "tasks"),
        Option.Value("blkio-weight", "N", "weight of block I/O, 10 to 1000"),
        Option.Value("l3-cache-schema", "SCHEMA", "resctrl's schemata"),
        Option.Value("mem-bw-schema", "SCHEMA", "resctrl's schemata"),
    ];

    internal static int Run(OciContext context, Arguments arguments)
    {
        OciContainer container = context.Root.Find(OciOperands.Id(arguments, "update"));
        LinuxResources resources = arguments.Text("resources") switch
        {
            null or "" => FromOptions(arguments),
            "-" => SpecJson.ReadResources(Files.TryReadAll(Descriptors.Standard(0), out Errno why) ?? throw new SyscallException("read", why, "standard input"), "resources"),
            { } file => SpecJson.ReadResources(Files.ReadAll(file), file),
        };
        Updating.Apply(container, resources, context.Log);
        return 0;
    }

    private static LinuxResources FromOptions(Arguments arguments) => new()
    {
        Memory = new MemoryResources(Bytes(arguments, "memory"), Bytes(arguments, "memory-reservation"), Bytes(arguments, "memory-swap")) { KernelTcp = Bytes(arguments, "kernel-memory-tcp") },
        Cpu = new CpuResources(
            (ulong?)arguments.Number("cpu-share") ?? (ulong?)arguments.Number("cpu-shares"), arguments.Number("cpu-quota"), (ulong?)arguments.Number("cpu-period"),
            arguments.Text("cpuset-cpus"), arguments.Text("cpuset-mems"))
        {
            Burst = (ulong?)arguments.Number("cpu-burst"),
            RealtimeRuntime = arguments.Number("cpu-rt-runtime"),
            RealtimePeriod = (ulong?)arguments.Number("cpu-rt-period"),
            Idle = arguments.Number("cpu-idle"),
        },
        PidsLimit = arguments.Number("pids-limit"),
        BlockIo = new BlockIoResources { Weight = (ushort?)arguments.Number("blkio-weight") },
    };

    /// <summary>Plain bytes, or with a unit such as 512M; -1 is unlimited.</summary>
    private static long? Bytes(Arguments arguments, string option) => arguments.Text(option) switch
    {
        null => null,
        "-1" => -1,
        { } text => ByteSize.Parse(text, "--" + option).Bytes,
    };
}
