using System.Diagnostics.CodeAnalysis;
using Timur.Kernel;
using Timur.Kernel.Launcher;
using Timur.Oci;

namespace Timur.Runtime.Containers;

/// <summary>Why a launch program failed, in the words from which engines take their exit codes 126 and 127.</summary>
public static class LaunchWords
{
    private const string Prefix = "unable to start container process: ";

    /// <param name="root">The container's root as the host has it, where a command that wasn't found may be.</param>
    /// <param name="cpus">The container's processors, when it may not use all of them.</param>
    /// <param name="mounts">What is mounted; engines tell their users what <c>not a directory</c> means.</param>
    internal static Failure Explain(LaunchProgram program, LaunchException failure, ProcessSpec process, string root, string? cpus = null, IReadOnlyList<MountSpec>? mounts = null)
    {
        string step = program.NameOf(failure.Operation);
        string why = step switch
        {
            _ when step.StartsWith("execve ", StringComparison.Ordinal) => Exec(process, failure.Errno, root),

            _ when step.StartsWith("chdir ", StringComparison.Ordinal) => $"chdir to cwd (\"{step["chdir ".Length..]}\") set in config.json failed: {failure.Errno.Describe().ToLowerInvariant()}",

            // move_mount(2) has another word for it than mount(2).
            _ when step.StartsWith("mount ", StringComparison.Ordinal) && failure.Errno == Errno.EINVAL && IsFileOnDirectory(mounts ?? [], step["mount ".Length..], process, root)
                => $"{step}: {Errno.ENOTDIR.Describe().ToLowerInvariant()}",

            // sched_setattr(2): a deadline is kept only where every processor is the process's.
            _ when step.StartsWith("sched_setattr ", StringComparison.Ordinal) && failure.Errno == Errno.EPERM && cpus is not null
                => $"process scheduler can't be used together with AllowedCPUs: {step}: {failure.Errno.Describe().ToLowerInvariant()}",
            _ => $"{(MemberOf(step, mounts ?? []) is { } member ? member + ": " : "")}{step}: {failure.Errno.Describe().ToLowerInvariant()}",
        };
        return new Failure(Prefix + why, exitCode: 1, cause: failure);
    }

    /// <summary>The member of the configuration that a step is taken for; null when it is no single one.</summary>
    private static string? MemberOf(string step, IReadOnlyList<MountSpec> mounts)
    {
        string[] words = step.Split(' ', 3);
        string name = words.Length > 1 ? words[1] : "";
        return words[0] switch
        {
            "sethostname" => "hostname",
            "setdomainname" => "domainname",
            "prlimit" => "process.rlimits",
            "setuid" => "process.user.uid",
            "setgid" => "process.user.gid",
            "setgroups" => "process.user.additionalGids",
            "capset" or "drop" or "raise" => "process.capabilities",
            "sched_setattr" => "process.scheduler",
            "ioprio_set" => "process.ioPriority",
            "setns" or "unshare" => "linux.namespaces",
            "mknod" => "linux.devices",
            "sysctl" => "linux.sysctl",
            "seccomp" => "linux.seccomp",
            "set_mempolicy" => "linux.memoryPolicy",
            "personality" => "linux.personality",
            "mount" => Place(mount => mount.Destination == name, ".destination"),
            "bind" => Place(mount => mount.Source == name, ".source"),
            "fsopen" or "fsmount" => Place(mount => mount.Type == name, ".type"),
            "fsconfig" when words.Length > 2 && Place(mount => mount.Type == name && mount.Options.Contains(words[2]), ".options") is { } options => options,
            "fsconfig" => Place(mount => mount.Type == name, ""),
            _ => null,
        };

        string? Place(Predicate<MountSpec> isIt, string member) => mounts.ToList().FindIndex(isIt) is >= 0 and var index ? $"mounts[{index}]{member}" : null;
    }

    /// <summary>The payload is there, but not what would execute it: the interpreter that its first line or its ELF header names.</summary>
    /// <param name="words">Only that.</param>
    public static bool IsInterpreterMissing(Failure failure, [NotNullWhen(true)] out string? words)
    {
        bool isMissing = failure.InnerException is LaunchException { Errno: Errno.ENOENT } && failure.Message.StartsWith(Prefix + "exec ", StringComparison.Ordinal);
        words = isMissing ? failure.Message[Prefix.Length..] : null;
        return isMissing;
    }

    private static string Exec(ProcessSpec process, Errno errno, string root)
    {
        string command = process.Args.Count > 0 ? process.Args[0] : "";
        return errno switch
        {
            Errno.ENOENT when Find(process, root) is { } path => $"exec {path}: no such file or directory",
            Errno.ENOENT or Errno.ENOTDIR when !command.Contains('/') => $"exec: \"{command}\": executable file not found in $PATH",
            Errno.ENOENT when KindOf(process, root, command, out Errno why) is not null || why != Errno.ENOTDIR => $"exec: \"{command}\": stat {command}: no such file or directory",
            Errno.ENOENT or Errno.ENOTDIR => $"exec: \"{command}\": stat {command}: not a directory",
            Errno.ENOEXEC => $"exec: \"{command}\": exec format error",
            _ => $"exec: \"{command}\": {errno.Describe().ToLowerInvariant()}",
        };
    }

    /// <summary>The command's file, when the root has it. What a mount of the container brings isn't seen from here.</summary>
    private static string? Find(ProcessSpec process, string root)
        => process.Args.Count == 0 ? null
            : SearchPath.Candidates(process.Args[0], process.Env).FirstOrDefault(candidate => KindOf(process, root, candidate, out _) is FileKind.Regular);

    private static bool IsFileOnDirectory(IReadOnlyList<MountSpec> mounts, string destination, ProcessSpec process, string root)
        => mounts.FirstOrDefault(mount => mount.Destination == destination) is { Source: { } source } && Files.TryStatus(source, out _, follow: true) is { Kind: not FileKind.Directory }
            && KindOf(process, root, destination, out _) == FileKind.Directory;

    /// <summary>What a path is in the root, or null and why there is nothing.</summary>
    private static FileKind? KindOf(ProcessSpec process, string root, string path, out Errno why)
    {
        using Fd? directory = Files.TryOpen(root, Open.Path | Open.Directory, out why);
        using Fd? file = directory is null ? null : Files.TryOpenInRoot(directory, path.StartsWith('/') ? path : $"{process.Cwd}/{path}", Open.Path, out why);
        return file is null ? null : Files.Status(file).Kind;
    }
}
