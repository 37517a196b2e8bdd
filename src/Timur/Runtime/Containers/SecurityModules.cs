using Timur.Kernel;

namespace Timur.Runtime.Containers;

/// <summary>
/// Labels of security modules that a machine may lack. What crun passes over there is a warning, as the specification's own suite expects; a process that is to
/// have a label of SELinux is refused by both crun and runc.
/// </summary>
internal static class SecurityModules
{
    internal static bool HasAppArmor => Files.Exists("/sys/kernel/security/apparmor") || Files.TryReadText("/sys/module/apparmor/parameters/enabled", out _) is "Y";

    internal static bool HasSelinux => Files.Exists("/sys/fs/selinux/enforce");

    /// <param name="document">Where the label stands.</param>
    internal static void CheckSelinux(string document, string? label)
    {
        if (label is not null && !HasSelinux)
        {
            throw new Failure($"{document}: process.selinuxLabel: selinux label is specified in config, but selinux is disabled or not supported", "leave it out on this machine", 1);
        }
    }

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
