using Timur.Kernel;
using Timur.Oci;

namespace Timur.Cgroups;

/// <summary>Which device nodes may be made, read and written: lists on v1, an eBPF program on v2 (cgroup-v1/devices.rst, cgroup-v2.rst Device controller).</summary>
internal static class DevicesController
{
    internal static void Apply(CgroupDirectory? place, IReadOnlyList<DeviceRule> rules, LimitWords words, List<string> warnings)
    {
        if (rules.Count == 0)
        {
            return;
        }

        if (place is not { } directory)
        {
            warnings.Add($"{words.Devices} have no effect: this machine has no devices controller");
            return;
        }

        if (directory.Version == 2)
        {
            using Fd cgroup = Files.Open(directory.Path, Open.Read | Open.Directory);
            DeviceProgram.Attach(cgroup, rules, directory.Path);
            return;
        }

        foreach (DeviceRule rule in rules)
        {
            directory.Set(rule.Allow ? "devices.allow" : "devices.deny", Format(rule), words.Devices);
        }
    }

    private static string Format(DeviceRule rule)
        => rule.Type == "a" && rule.Major is null && rule.Minor is null ? "a" : $"{rule.Type} {rule.Major?.ToString() ?? "*"}:{rule.Minor?.ToString() ?? "*"} {rule.Access}";
}
