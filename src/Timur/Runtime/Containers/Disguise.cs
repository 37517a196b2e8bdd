using Timur.Kernel.Launcher;
using Timur.Oci;

namespace Timur.Runtime.Containers;

/// <summary>
/// Whether this program can keep out of a container's sight by <see cref="PayloadImage"/>. Where it can't, its file has to be executed through a
/// read-only mount, which takes as long as starting once more.
/// </summary>
public static class Disguise
{
    /// <summary>For a container's first process.</summary>
    public static bool Suffices(Bundle bundle)
    {
        Spec spec = bundle.Spec;
        NamespaceSpec? processes = SpecRules.Find(spec, "pid");

        // Others in a process namespace that is joined may be able to trace whatever enters it.
        bool strangers = processes is not { Path: null } && SpecRules.Find(spec, "user") is null;
        return PayloadImage.IsSupported && !strangers && bundle.Filter is not { Disguisable: false };
    }

    /// <summary>For a further process, as the record says it.</summary>
    public static bool Suffices(ContainerRecord record) => record.Disguisable && PayloadImage.IsSupported;

    /// <summary>Nobody in the container may trace what enters it from outside, and its filter lets the image do its work.</summary>
    internal static bool SufficesForExec(Bundle bundle)
    {
        Spec spec = bundle.Spec;
        return bundle.Filter is not { Disguisable: false } && SpecRules.Find(spec, "pid") is { Path: null }
            && (SpecRules.Find(spec, "user") is not null || !(spec.Process?.Capabilities?.Bounding ?? []).Contains("CAP_SYS_PTRACE"));
    }

    /// <summary>A profile lets the payload's image do its work.</summary>
    internal static bool Allows(LinuxSeccomp profile)
    {
        var wanted = new HashSet<string>(PayloadImage.Calls);
        bool byDefault = profile.DefaultAction is "SCMP_ACT_ALLOW" or "SCMP_ACT_LOG";
        var allowed = new HashSet<string>();
        foreach (SeccompRule rule in profile.Syscalls)
        {
            bool allows = rule.Action is "SCMP_ACT_ALLOW" or "SCMP_ACT_LOG" && rule.Arguments.Count == 0;
            foreach (string name in rule.Names)
            {
                if (wanted.Contains(name))
                {
                    if (!allows)
                    {
                        return false;
                    }

                    allowed.Add(name);
                }
            }
        }

        return byDefault || allowed.Count == wanted.Count;
    }
}
