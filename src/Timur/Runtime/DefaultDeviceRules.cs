using Timur.Oci;

namespace Timur.Runtime;

/// <summary>
/// Devices that a container may use whatever its rules are: the default ones, terminals, and nodes that nobody opens (config-linux.md, Default Devices). And tun, which
/// needs CAP_NET_ADMIN: VPNs in pods count on runc's list, of which it was part but for 1.2.0 to 1.2.3.
/// </summary>
public static class DefaultDeviceRules
{
    /// <summary>No device at all: what a list of rules begins with.</summary>
    public static DeviceRule Nothing { get; } = new(false, "a", null, null, "rwm");

    public static IReadOnlyList<DeviceRule> Always { get; } =
    [
        new(true, "c", null, null, "m"),
        new(true, "b", null, null, "m"),
        new(true, "c", 1, 3, "rwm"),
        new(true, "c", 1, 5, "rwm"),
        new(true, "c", 1, 7, "rwm"),
        new(true, "c", 1, 8, "rwm"),
        new(true, "c", 1, 9, "rwm"),
        new(true, "c", 5, 0, "rwm"),
        new(true, "c", 5, 1, "rwm"),
        new(true, "c", 5, 2, "rwm"),
        new(true, "c", 10, 200, "rwm"),
        new(true, "c", 136, null, "rwm"),
    ];

    /// <summary>Nothing is allowed at first, then the configuration's rules, then these. What changes nothing is left out: each is a call of the kernel's.</summary>
    internal static IReadOnlyList<DeviceRule> Around(IReadOnlyList<DeviceRule> rules)
    {
        var all = new List<DeviceRule>(1 + rules.Count + Always.Count) { Nothing };
        int lastRefusal = 0;
        foreach (DeviceRule rule in rules.Concat(Always))
        {
            if (all.LastIndexOf(rule) >= lastRefusal && (rule.Allow || all.Count == 1))
            {
                continue;
            }

            all.Add(rule);
            lastRefusal = rule.Allow ? lastRefusal : all.Count - 1;
        }

        return all;
    }
}
