using Timur.Kernel;

namespace Timur.Runtime.Containers;

/// <summary>Labels of security modules: on a machine that doesn't have the module they mean nothing.</summary>
internal static class SecurityModules
{
    internal static bool HasAppArmor => Files.Exists("/sys/kernel/security/apparmor") || Files.TryReadText("/sys/module/apparmor/parameters/enabled", out _) is "Y";

    internal static bool HasSelinux => Files.Exists("/sys/fs/selinux/enforce");

    /// <summary>The label, or null and a warning.</summary>
    /// <param name="member">Where it stands in the configuration.</param>
    internal static string? Usable(string member, string? label, bool hasModule, RuntimeLog log)
    {
        if (label is null || hasModule)
        {
            return label;
        }

        log.Warn($"{member}: '{label}' has no effect: {(member.EndsWith("Profile", StringComparison.Ordinal) ? "AppArmor" : "SELinux")} is not enabled on this machine");
        return null;
    }
}
