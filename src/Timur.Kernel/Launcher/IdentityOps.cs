using System.Buffers.Binary;
using System.Text;

namespace Timur.Kernel.Launcher;

/// <summary>Who the payload is and what it may do, as operations of a launch program.</summary>
public static class IdentityOps
{
    private const int KeepCapabilities = 8;
    private const int SetParentDeathSignal = 1;
    private const int SetNoNewPrivileges = 38;
    private const int DropBounding = 24;
    private const int Ambient = 47;
    private const int SetDumpable = 4;
    private const int SetSecureBits = 28;

    /// <summary>umask(2).</summary>
    public static void Umask(this LaunchProgram program, uint mask) => program.Add($"umask {Convert.ToString(mask, 8)}", Nr.umask, mask);

    /// <summary>sethostname(2) and, when given, setdomainname(2).</summary>
    public static void Hostname(this LaunchProgram program, string? hostname, string? domainname)
    {
        if (hostname is not null)
        {
            program.Add($"sethostname {hostname}", Nr.sethostname, program.Text(hostname), Encoding.UTF8.GetByteCount(hostname));
        }

        if (domainname is not null)
        {
            program.Add($"setdomainname {domainname}", Nr.setdomainname, program.Text(domainname), Encoding.UTF8.GetByteCount(domainname));
        }
    }

    /// <summary>prlimit64(2) on the payload; <paramref name="resource"/> is the number of RLIMIT_*.</summary>
    public static void Limit(this LaunchProgram program, string name, int resource, ulong soft, ulong hard)
    {
        Span<byte> limit = stackalloc byte[16];
        BinaryPrimitives.WriteUInt64LittleEndian(limit, soft);
        BinaryPrimitives.WriteUInt64LittleEndian(limit[8..], hard);
        program.Add($"prlimit {name} {soft}:{hard}", Nr.prlimit64, 0, resource, program.Bytes(limit), 0);
    }

    /// <summary>setgroups(2), setresgid(2), setresuid(2), capabilities kept for the step after.</summary>
    public static void Become(this LaunchProgram program, uint user, uint group, IReadOnlyList<uint> groups, bool canSetGroups = true)
    {
        program.Add("keep capabilities", Nr.prctl, KeepCapabilities, 1, 0, 0, 0);
        if (canSetGroups)
        {
            byte[] list = new byte[Math.Max(groups.Count * 4, 4)];
            for (int i = 0; i < groups.Count; i++)
            {
                BinaryPrimitives.WriteUInt32LittleEndian(list.AsSpan(i * 4), groups[i]);
            }

            program.Add($"setgroups [{string.Join(' ', groups)}]", Nr.setgroups, groups.Count, program.Bytes(list));
        }

        program.Add($"setgid {group}", Nr.setresgid, group, group, group);
        program.Add($"setuid {user}", Nr.setresuid, user, user, user);
        program.Add("stop keeping capabilities", Nr.prctl, KeepCapabilities, 0, 0, 0, 0);
    }

    /// <summary>Drops from the bounding set each of <paramref name="drop"/> (bits).</summary>
    public static void DropBoundingSet(this LaunchProgram program, ulong drop)
    {
        for (int capability = 0; capability < 64; capability++)
        {
            if ((drop & (1UL << capability)) != 0)
            {
                program.Add($"drop capability {capability} for good", Nr.prctl, DropBounding, capability, 0, 0, 0);
            }
        }
    }

    /// <summary>capset(2), then the ambient set (prctl(2), PR_CAP_AMBIENT).</summary>
    public static void SetCapabilities(this LaunchProgram program, ulong effective, ulong permitted, ulong inheritable, ulong ambient)
    {
        // struct cap_user_header: version 3, pid 0; then two of effective, permitted, inheritable, low words first.
        Span<byte> header = stackalloc byte[8];
        BinaryPrimitives.WriteUInt32LittleEndian(header, 0x20080522);
        header[4..].Clear();
        Span<byte> sets = stackalloc byte[24];
        for (int half = 0; half < 2; half++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(sets[(half * 12)..], (uint)(effective >> (half * 32)));
            BinaryPrimitives.WriteUInt32LittleEndian(sets[((half * 12) + 4)..], (uint)(permitted >> (half * 32)));
            BinaryPrimitives.WriteUInt32LittleEndian(sets[((half * 12) + 8)..], (uint)(inheritable >> (half * 32)));
        }

        program.Add($"capset effective={effective:x} permitted={permitted:x} inheritable={inheritable:x}", Nr.capset, program.Bytes(header), program.Bytes(sets));
        program.Add("clear ambient capabilities", Nr.prctl, Ambient, 4, 0, 0, 0);
        for (int capability = 0; capability < 64; capability++)
        {
            if ((ambient & (1UL << capability)) != 0)
            {
                program.Add($"raise ambient capability {capability}", Nr.prctl, Ambient, 2, capability, 0, 0).Tolerate(Errno.EPERM);
            }
        }
    }

    /// <summary>prctl(2), PR_SET_PDEATHSIG: SIGKILL when the thread that cloned it ends.</summary>
    public static void DieWithParent(this LaunchProgram program) => program.Add("die with the parent", Nr.prctl, SetParentDeathSignal, 9, 0, 0, 0);

    /// <summary>prctl(2), PR_SET_NO_NEW_PRIVS.</summary>
    public static void NoNewPrivileges(this LaunchProgram program) => program.Add("no new privileges", Nr.prctl, SetNoNewPrivileges, 1, 0, 0, 0);

    /// <summary>Nobody in the namespaces joined next may trace this process or open its descriptors until it executes (CVE-2016-9962).</summary>
    public static void NotDumpable(this LaunchProgram program) => program.Add("not dumpable", Nr.prctl, SetDumpable, 0, 0, 0, 0);

    /// <summary>seccomp(2), SECCOMP_SET_MODE_FILTER: <paramref name="filter"/> is an array of struct sock_filter.</summary>
    public static void Seccomp(this LaunchProgram program, ReadOnlySpan<byte> filter, uint flags)
    {
        Arg fprog = program.Words([filter.Length / 8, program.Bytes(filter)]);
        program.Add($"seccomp filter of {filter.Length / 8} instructions", Nr.seccomp, 1, flags, fprog);
    }

    /// <summary>SECCOMP_FILTER_FLAG_NEW_LISTENER: seccomp(2) then returns a descriptor on which the filter asks.</summary>
    public const uint NewListener = 8;

    /// <summary>Hands the descriptor that the filter just loaded gave to the parent; execve closes this process's own.</summary>
    public static void HandListener(this LaunchProgram program, char letter)
    {
        Arg listener = program.NewSlot();
        program.Last.Save(listener);
        program.Add("hand the seccomp listener over", Pseudo.SyncSlot, letter, listener.Value);
    }

    /// <summary>keyctl(2), KEYCTL_JOIN_SESSION_KEYRING: keys of the process that starts the payload stay out of its reach.</summary>
    public static void NewSessionKeyring(this LaunchProgram program, string name)
        => program.Add($"new session keyring {name}", Nr.keyctl, 1, program.Text(name)).Tolerate(Errno.ENOSYS, Errno.EDQUOT, Errno.EPERM);

    /// <summary>sched_setaffinity(2); <paramref name="cpus"/> is a bit for each CPU.</summary>
    public static void Affinity(this LaunchProgram program, ReadOnlySpan<byte> cpus) => program.Add("sched_setaffinity", Nr.sched_setaffinity, 0, cpus.Length, program.Bytes(cpus));

    /// <summary>Every processor that the cgroup has (sched_setaffinity(2) leaves out all others); a kernel that refuses leaves it as it is.</summary>
    public static void ResetAffinity(this LaunchProgram program)
    {
        const int mostProcessors = 8192;
        Span<byte> every = stackalloc byte[mostProcessors / 8];
        every.Fill(0xff);
        program.Add("sched_setaffinity every processor", Nr.sched_setaffinity, 0, every.Length, program.Bytes(every)).Tolerate(Errno.EINVAL, Errno.EPERM);
    }

    /// <summary>sched_setattr(2).</summary>
    public static void Scheduler(this LaunchProgram program, string name, uint policy, ulong flags, int nice, uint priority, ulong runtime, ulong deadline, ulong period)
    {
        // struct sched_attr, linux/sched/types.h
        Span<byte> attributes = stackalloc byte[48];
        BinaryPrimitives.WriteUInt32LittleEndian(attributes, 48);
        BinaryPrimitives.WriteUInt32LittleEndian(attributes[4..], policy);
        BinaryPrimitives.WriteUInt64LittleEndian(attributes[8..], flags);
        BinaryPrimitives.WriteInt32LittleEndian(attributes[16..], nice);
        BinaryPrimitives.WriteUInt32LittleEndian(attributes[20..], priority);
        BinaryPrimitives.WriteUInt64LittleEndian(attributes[24..], runtime);
        BinaryPrimitives.WriteUInt64LittleEndian(attributes[32..], deadline);
        BinaryPrimitives.WriteUInt64LittleEndian(attributes[40..], period);
        program.Add($"sched_setattr {name}", Nr.sched_setattr, 0, program.Bytes(attributes), 0);
    }

    /// <summary>set_mempolicy(2); <paramref name="nodes"/> is a bit for each node, in whole words.</summary>
    public static void MemoryPolicy(this LaunchProgram program, int mode, ReadOnlySpan<byte> nodes)
        => program.Add("set_mempolicy", Nr.set_mempolicy, mode, nodes.Length == 0 ? 0 : program.Bytes(nodes), (nodes.Length * 8) + (nodes.Length == 0 ? 0 : 1));

    /// <summary>personality(2).</summary>
    public static void Personality(this LaunchProgram program, long persona) => program.Add($"personality {persona:x}", Nr.personality, persona);

    /// <summary>ioprio_set(2) on the payload.</summary>
    public static void IoPriority(this LaunchProgram program, int ioClass, int level)
        => program.Add($"ioprio_set class {ioClass} level {level}", Nr.ioprio_set, 1, 0, (ioClass << 13) | level);
}
