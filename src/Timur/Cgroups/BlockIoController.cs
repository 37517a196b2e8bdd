using Timur.Kernel;
using Timur.Oci;

namespace Timur.Cgroups;

/// <summary>Weights and rates of block devices (cgroup-v1/blkio-controller.rst, cgroup-v2.rst IO).</summary>
internal static class BlockIoController
{
    internal static void Apply(CgroupDirectory? place, BlockIoResources io, LimitWords words, List<string> warnings)
    {
        bool rates = io.ReadBytes.Count + io.WriteBytes.Count + io.ReadOperations.Count + io.WriteOperations.Count > 0;
        if (io.Weight is null && io.LeafWeight is null && io.WeightDevices.Count == 0 && !rates)
        {
            return;
        }

        if (place is not { } directory)
        {
            warnings.Add("block I/O limits have no effect: this machine has no blkio or io controller");
            return;
        }

        Weight(directory, io.Weight, words, warnings);
        DeviceWeights(directory, io, words, warnings);
        Rates(directory, io.ReadBytes, "blkio.throttle.read_bps_device", "rbps", words.ReadBytes);
        Rates(directory, io.WriteBytes, "blkio.throttle.write_bps_device", "wbps", words.WriteBytes);
        Rates(directory, io.ReadOperations, "blkio.throttle.read_iops_device", "riops", words.ReadOperations);
        Rates(directory, io.WriteOperations, "blkio.throttle.write_iops_device", "wiops", words.WriteOperations);
    }

    /// <summary>10 to 1000. A file tells only that the kernel knows this kind of weight, not which scheduler a disk has: each that is there is set.</summary>
    private static void Weight(CgroupDirectory directory, ushort? wanted, LimitWords words, List<string> warnings)
    {
        if (wanted is not { } weight)
        {
            return;
        }

        string[] files = directory.Version == 1 ? ["blkio.bfq.weight", "blkio.weight"] : ["io.bfq.weight", "io.weight"];
        bool isSet = false;
        Errno reason = Errno.ENOENT;
        foreach (string file in files)
        {
            int value = file == "io.weight" ? 1 + ((weight - 10) * 9999 / 990) : weight;
            if (directory.TrySet(file, value.ToString(), out Errno why))
            {
                isSet = true;
            }
            else if (why != Errno.ENOENT)
            {
                reason = why;
            }
        }

        if (!isSet)
        {
            warnings.Add($"{words.BlockIoWeight} has no effect: {(reason == Errno.ENOENT ? "this kernel has no weights for block I/O" : reason.Describe())}");
        }
    }

    /// <summary>Weights of single devices, and of tasks against child cgroups: only some I/O schedulers have them.</summary>
    private static void DeviceWeights(CgroupDirectory directory, BlockIoResources io, LimitWords words, List<string> warnings)
    {
        if (io.LeafWeight is { } leaf && !directory.TrySet("blkio.leaf_weight", leaf.ToString(), out Errno why))
        {
            warnings.Add($"{words.BlockIoLeafWeight} has no effect: {why.Describe()}");
        }

        foreach ((long major, long minor, ushort? weight, ushort? leafWeight) in io.WeightDevices)
        {
            string[] files = directory.Version == 1 ? ["blkio.weight_device", "blkio.bfq.weight_device"] : ["io.bfq.weight"];
            if (weight is { } own && !Array.Exists(files, file => directory.TrySet(file, $"{major}:{minor} {own}", out _)))
            {
                warnings.Add($"{words.BlockIoDeviceWeight} {major}:{minor} has no effect: its scheduler has none");
            }

            if (leafWeight is { } inner && !directory.TrySet("blkio.leaf_weight_device", $"{major}:{minor} {inner}", out _))
            {
                warnings.Add($"{words.BlockIoLeafWeight} of device {major}:{minor} has no effect: its scheduler has none");
            }
        }
    }

    private static void Rates(CgroupDirectory directory, IReadOnlyList<(long Major, long Minor, long Rate)> rates, string v1File, string v2Key, string limit)
    {
        foreach ((long major, long minor, long rate) in rates)
        {
            if (directory.Version == 1)
            {
                directory.Set(v1File, $"{major}:{minor} {rate}", limit);
            }
            else
            {
                directory.Set("io.max", $"{major}:{minor} {v2Key}={rate}", limit);
            }
        }
    }
}
