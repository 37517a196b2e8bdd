using Timur.Kernel;
using Timur.Kernel.Launcher;

namespace Timur.Runtime.Containers;

/// <summary>Why a launch program failed, in the words from which engines take their exit codes 126 and 127.</summary>
internal static class LaunchWords
{
    internal static Failure Explain(LaunchProgram program, LaunchException failure, string command)
    {
        string step = program.NameOf(failure.Operation);
        string why = step.StartsWith("execve ", StringComparison.Ordinal) ? Exec(command, failure.Errno) : $"{step}: {failure.Errno.Describe().ToLowerInvariant()}";
        return new Failure("unable to start container process: " + why, exitCode: 1, cause: failure);
    }

    private static string Exec(string command, Errno errno) => errno switch
    {
        Errno.ENOENT or Errno.ENOTDIR when !command.Contains('/') => $"exec: \"{command}\": executable file not found in $PATH",
        Errno.ENOENT => $"exec: \"{command}\": stat {command}: no such file or directory",
        Errno.ENOTDIR => $"exec: \"{command}\": stat {command}: not a directory",
        Errno.ENOEXEC => $"exec: \"{command}\": exec format error",
        _ => $"exec: \"{command}\": {errno.Describe().ToLowerInvariant()}",
    };
}
