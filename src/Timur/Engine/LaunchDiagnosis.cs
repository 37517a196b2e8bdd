using Timur.Kernel;
using Timur.Kernel.Launcher;
using Timur.Oci;

namespace Timur.Engine;

/// <summary>Says why a launch program failed, in words that name the cause.</summary>
internal static class LaunchDiagnosis
{
    internal static Failure Explain(Container container, Spec spec, LaunchProgram program, int operation, Errno errno)
        => Explain(container.Name, spec, program, operation, errno);

    /// <param name="name">What messages call the container.</param>
    internal static Failure Explain(string name, Spec spec, LaunchProgram program, int operation, Errno errno)
    {
        string step = program.NameOf(operation);
        if (!step.StartsWith("execve ", StringComparison.Ordinal))
        {
            return new Failure($"can't start {name}: {step}: {errno.Describe()}", Advice(step, errno));
        }

        return Exec(name, spec.Process!.Args[0], errno);
    }

    /// <summary>The same for a further process in a running container.</summary>
    internal static Failure ExplainExec(Container container, string command, string step, Errno errno)
        => step.StartsWith("execve ", StringComparison.Ordinal)
            ? Exec(container.Name, command, errno)
            : new Failure($"can't run {command} in {container.Name}: {step}: {errno.Describe()}", Advice(step, errno));

    private static Failure Exec(string name, string command, Errno errno)
    {
        return errno switch
        {
            Errno.ENOENT or Errno.ENOTDIR when !command.Contains('/') => new Failure(
                $"can't run \"{command}\" in {name}: exec: \"{command}\": executable file not found in $PATH", "check the spelling, or give its whole path", 127),
            Errno.ENOENT or Errno.ENOTDIR => new Failure(
                $"can't run \"{command}\" in {name}: exec: \"{command}\": stat {command}: no such file or directory",
                "if the file is there, the interpreter it asks for (its first line, or its dynamic loader) is missing in the image", 127),
            Errno.EACCES => new Failure(
                $"can't run \"{command}\" in {name}: exec: \"{command}\": permission denied", "it isn't executable, or is a directory, or its mount is noexec", 126),
            Errno.ENOEXEC => new Failure(
                $"can't run \"{command}\" in {name}: exec: \"{command}\": exec format error",
                "it is built for another architecture, or is a script without a first line such as #!/bin/sh", 126),
            _ => new Failure($"can't run \"{command}\" in {name}: exec: \"{command}\": {errno.Describe().ToLowerInvariant()}", null, 126),
        };
    }

    private static string? Advice(string step, Errno errno) => errno switch
    {
        Errno.EPERM when step.StartsWith("prlimit", StringComparison.Ordinal) => "the limit is above what this process may give; see timur info",
        Errno.EPERM => "timur needs root for this, or this machine's own limits forbid it; see timur info",
        Errno.EACCES when step.Contains("oom_score_adj", StringComparison.Ordinal) => "lowering it needs a capability that this machine doesn't give; use 0 or more",
        Errno.ENOSPC => "the disk is full: free some space",
        Errno.EROFS => "the root file system is read-only: make the path in the image, or mount something writable there",
        Errno.ELOOP or Errno.EXDEV => "the path leads through a link that isn't followed; use the place it points to",
        Errno.ENOTDIR => "something on that path is a file, not a directory",
        Errno.ENOENT when step.StartsWith("chdir", StringComparison.Ordinal) => "the working directory doesn't exist in the image: choose another with -w",
        Errno.ENOENT when step.StartsWith("sysctl", StringComparison.Ordinal) => "this kernel has no such parameter",
        Errno.ENODEV => "this kernel lacks the file system; see timur info",
        Errno.EINVAL when step.StartsWith("sysctl", StringComparison.Ordinal) => "the kernel doesn't take that value",
        Errno.EINVAL when step.StartsWith("fsconfig", StringComparison.Ordinal) => "the file system doesn't take that option",
        Errno.EINVAL when step.StartsWith("mount(overlay)", StringComparison.Ordinal) =>
            "dmesg says what the kernel refuses; a file system that can't hold an overlay's changes (another overlay, NFS, FAT) is usual: put the data on ext4, XFS or btrfs with --root",
        _ => null,
    };
}
