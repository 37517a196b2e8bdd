using Timur.Cgroups;
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
        Option.Value("cpu-share", "SHARES", "CPU shares"),
        Option.Value("cpu-shares", "SHARES", "CPU shares"),
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
        Option.Value("l3-cache-schema", "SCHEMA", "cache ways, as resctrl writes them: L3:0=f;1=f"),
        Option.Value("mem-bw-schema", "SCHEMA", "memory bandwidth, as resctrl writes it: MB:0=20;1=70"),
    ];

    internal static int Run(OciContext context, Arguments arguments)
    {
        OciContainer container = context.Root.Find(arguments.Operands[0]);
        string? file = arguments.Text("resources") is { Length: > 0 } given ? given : null;
        LinuxResources resources = file switch
        {
            null => FromOptions(arguments, context.Log),
            "-" => SpecJson.ReadResources(Files.TryReadAll(Descriptors.Standard(0), out Errno why) ?? throw new SyscallException("read", why, "standard input"), "resources"),
            _ => SpecJson.ReadResources(Files.ReadAll(file), file),
        };
        string[] schemata = [Schema(arguments, "l3-cache-schema", "L3"), Schema(arguments, "mem-bw-schema", "MB")];
        Updating.Apply(container, resources, file is null ? LimitWords.UpdateOptions : LimitWords.Members, [.. schemata.Where(schema => schema.Length > 0)], context.Log);
        return 0;
    }

    private static LinuxResources FromOptions(Arguments arguments, RuntimeLog log)
    {
        if (arguments.Text("kernel-memory") is { Length: > 0 })
        {
            log.Warn("--kernel-memory is ignored: kernels have no such limit any more");
        }

        return new LinuxResources
        {
            Memory = new MemoryResources(Bytes(arguments, "memory"), Bytes(arguments, "memory-reservation"), Bytes(arguments, "memory-swap")) { KernelTcp = Bytes(arguments, "kernel-memory-tcp") },
            Cpu = new CpuResources(
                Unsigned(arguments, "cpu-share") ?? Unsigned(arguments, "cpu-shares"), Number(arguments, "cpu-quota"), Unsigned(arguments, "cpu-period"),
                arguments.Text("cpuset-cpus") is { Length: > 0 } cpus ? cpus : null, arguments.Text("cpuset-mems") is { Length: > 0 } nodes ? nodes : null)
            {
                Burst = Unsigned(arguments, "cpu-burst"),
                RealtimeRuntime = Number(arguments, "cpu-rt-runtime"),
                RealtimePeriod = Unsigned(arguments, "cpu-rt-period"),
                Idle = Number(arguments, "cpu-idle"),
            },
            PidsLimit = Number(arguments, "pids-limit") is not 0 and { } tasks ? tasks : null,
            BlockIo = new BlockIoResources { Weight = Weight(arguments) },
        };
    }

    /// <summary>A line of resctrl's schemata names its resource; the options take it with the name or without.</summary>
    private static string Schema(Arguments arguments, string option, string resource)
        => arguments.Text(option) is not { Length: > 0 } text ? "" : text.StartsWith(resource, StringComparison.Ordinal) ? text : $"{resource}:{text}";

    private static ushort? Weight(Arguments arguments) => Number(arguments, "blkio-weight") switch
    {
        null or 0 => null,
        >= 10 and <= 1000 and { } weight => (ushort)weight,
        { } other => throw new Failure($"--blkio-weight: {other} isn't a weight from 10 to 1000", exitCode: 1),
    };

    /// <summary>Engines pass an empty text for what they don't set.</summary>
    private static long? Number(Arguments arguments, string option) => arguments.Text(option) is { Length: > 0 } ? arguments.Number(option) : null;

    private static ulong? Unsigned(Arguments arguments, string option) => Number(arguments, option) switch
    {
        null => null,
        >= 0 and { } number => (ulong)number,
        { } negative => throw new Failure($"--{option}: {negative} is less than 0", exitCode: 1),
    };

    /// <summary>Plain bytes, or with a unit such as 512M; -1 is unlimited.</summary>
    private static long? Bytes(Arguments arguments, string option) => arguments.Text(option) switch
    {
        null or "" => null,
        "-1" => -1,
        { } text => ByteSize.Parse(text, "--" + option).Bytes,
    };
}
