using System.Globalization;
using Timur.Kernel;
using Timur.Oci;
using Timur.Runtime;

namespace Timur.Engine;

/// <summary>Limits from options to the specification's resources.</summary>
internal static class ResourcePlan
{
    private const long MinimumMemory = 512 * 1024;
    private const ulong DefaultPeriod = 100_000;

    internal static LinuxResources From(RunOptions options, IReadOnlyList<DeviceRule> extraRules) => new()
    {
        Memory = Memory(options),
        Cpu = Cpu(options),
        PidsLimit = options.Number("pids-limit"),
        BlockIo = new BlockIoResources
        {
            Weight = Weight(options),
            ReadBytes = Rates(options, "device-read-bps", isSize: true),
            WriteBytes = Rates(options, "device-write-bps", isSize: true),
            ReadOperations = Rates(options, "device-read-iops", isSize: false),
            WriteOperations = Rates(options, "device-write-iops", isSize: false),
        },
        Devices = DeviceRules(options, extraRules),
    };

    /// <summary>Limits that this machine will never reach.</summary>
    internal static void Warn(RunOptions options, List<string> warnings)
    {
        if (options.Size("memory") is { } limit && limit > MachineMemory.Total)
        {
            warnings.Add($"--memory {options.Text("memory")} is more than this machine has ({new ByteSize(MachineMemory.Total)}): it limits nothing");
        }
    }

    private static MemoryResources Memory(RunOptions options)
    {
        long? limit = options.Size("memory");
        long? swap = options.Size("memory-swap");
        long? reservation = options.Size("memory-reservation");
        if (limit is > 0 and < MinimumMemory)
        {
            throw new Failure($"--memory {options.Text("memory")}: too little for a process to start", "512k is the least");
        }

        if (swap > 0 && limit is null)
        {
            throw new Failure("--memory-swap needs --memory", "it is the sum of both: add --memory SIZE");
        }

        if (swap > 0 && swap < limit)
        {
            throw new Failure("--memory-swap is less than --memory", "it is memory and swap together");
        }

        if (reservation > limit && limit > 0)
        {
            throw new Failure("--memory-reservation is more than --memory", "reserve at most the limit");
        }

        // As Docker: a limit without a word on swap allows as much swap again.
        long? both = swap ?? (limit > 0 ? limit * 2 : null);
        return new MemoryResources(limit, reservation, both, options.Number("memory-swappiness"), options.Has("oom-kill-disable"));
    }

    private static CpuResources Cpu(RunOptions options)
    {
        ulong? shares = (ulong?)options.Number("cpu-shares");
        long? quota = options.Number("cpu-quota");
        ulong? period = (ulong?)options.Number("cpu-period");
        if (options.Text("cpus") is { } text)
        {
            if (!double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double cores) || !(cores >= 0.01))
            {
                throw new Failure($"--cpus: '{text}' isn't a number of cores", "write for example 0.5 or 2; 0.01 is the least");
            }

            if (cores > Environment.ProcessorCount)
            {
                throw new Failure($"--cpus {text}: this machine has {Environment.ProcessorCount}", $"use at most --cpus {Environment.ProcessorCount}");
            }

            if (quota is not null || period is not null)
            {
                throw new Failure("--cpus and --cpu-quota/--cpu-period say the same thing", "give one of them");
            }

            (quota, period) = ((long)(cores * DefaultPeriod), DefaultPeriod);
        }

        if (quota is { } time && time != -1 && time < 1000)
        {
            throw new Failure($"--cpu-quota {time}: the kernel takes 1000 microseconds or more", "-1 is unlimited; --cpus 0.5 is half a core");
        }

        if (period is < 1000 or > 1_000_000)
        {
            throw new Failure($"--cpu-period {period} is out of range", "from 1000 to 1000000 microseconds; the usual one is 100000");
        }

        return new CpuResources(shares, quota, period, options.Text("cpuset-cpus"), options.Text("cpuset-mems"));
    }

    private static ushort? Weight(RunOptions options) => options.Number("blkio-weight") switch
    {
        null => null,
        >= 10 and <= 1000 and { } weight => (ushort)weight,
        { } other => throw new Failure($"--blkio-weight {other}: out of range", "from 10 to 1000"),
    };

    private static List<(long Major, long Minor, long Rate)> Rates(RunOptions options, string name, bool isSize)
    {
        var rates = new List<(long, long, long)>();
        foreach (string text in options.Texts(name))
        {
            int colon = text.LastIndexOf(':');
            if (colon <= 0)
            {
                throw new Failure($"--{name}: '{text}' isn't DEVICE:RATE", $"for example /dev/sda:{(isSize ? "1m" : "100")}");
            }

            string device = text[..colon];
            string amount = text[(colon + 1)..];
            FileStatus status = Files.TryStatus(device, out Errno why, follow: true) ?? throw new Failure($"--{name} {device}: {why.Describe()}");
            if (status.Kind != FileKind.BlockDevice)
            {
                throw new Failure($"--{name}: {device} isn't a block device");
            }

            long rate = isSize ? ByteSize.Parse(amount, "--" + name).Bytes
                : long.TryParse(amount, out long count) ? count : throw new Failure($"--{name}: '{amount}' isn't a number of operations");
            rates.Add((status.SpecialMajor, status.SpecialMinor, rate));
        }

        return rates;
    }

    /// <summary>Deny all, then Docker's list: making nodes, the six standard devices, terminals, tun.</summary>
    private static List<DeviceRule> DeviceRules(RunOptions options, IReadOnlyList<DeviceRule> extra)
    {
        if (options.Privileged)
        {
            return [new DeviceRule(true, "a", null, null, "rwm")];
        }

        return [DefaultDeviceRules.Nothing, .. DefaultDeviceRules.Always, .. extra, .. options.Texts("device-cgroup-rule").Select(ParseRule)];
    }

    /// <summary><c>c 1:3 rwm</c>, <c>b *:* r</c>, <c>a</c>.</summary>
    private static DeviceRule ParseRule(string text)
    {
        string[] parts = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        string[] numbers = parts.Length > 1 ? parts[1].Split(':') : ["*", "*"];
        long? Number(string word) => word == "*" ? null : long.TryParse(word, out long number) ? number : throw Bad();
        Failure Bad() => new($"--device-cgroup-rule: '{text}' isn't a rule", "for example: 'c 1:3 rwm' or 'b 8:* r'");
        if (parts.Length is 0 or > 3 || parts[0] is not ("a" or "b" or "c") || numbers.Length != 2)
        {
            throw Bad();
        }

        return new DeviceRule(true, parts[0], Number(numbers[0]), Number(numbers[1]), parts.Length > 2 ? parts[2] : "rwm");
    }
}
