using System.Text;
using Timur.Kernel;
using Timur.State;

namespace Timur.Cli;

/// <summary>What every command has: where the data is, and how to talk to the person.</summary>
internal sealed class CommandContext(DataPaths paths, bool debug)
{
    private static readonly Fd Output = Descriptors.Standard(1);
    private static readonly Fd Error = Descriptors.Standard(2);

    internal DataPaths Paths => paths;

    /// <summary>Stack traces are wanted.</summary>
    internal bool Debug => debug;

    /// <summary>A line on standard output.</summary>
    internal void Out(string line) => Write(Output, line + "\n");

    /// <summary>Text on standard output as it is. A closed pipe ends quietly.</summary>
    internal void OutText(string text) => Write(Output, text);

    /// <summary>As <see cref="Out"/>, where no store is needed. The runtime's Console would first send a terminal codes of its own.</summary>
    internal static void Line(string line) => Write(Output, line + "\n");

    /// <summary>A question on standard error; the answer is typed behind it.</summary>
    internal static void Ask(string question) => Write(Error, question);

    /// <summary>A line on standard error.</summary>
    internal static void Note(string line) => Write(Error, line + "\n");

    internal void Warn(IReadOnlyList<string> warnings)
    {
        foreach (string warning in warnings)
        {
            Note($"timur: warning: {warning}");
        }
    }

    /// <summary>Commands that change the machine need root.</summary>
    internal void RequireRoot()
    {
        if (Processes.EffectiveUser != 0)
        {
            throw new Failure("timur needs root to run containers (running without it is not there yet)", "try again with sudo");
        }
    }

    /// <summary>Prints a failure as a person wants to read it; returns the exit code.</summary>
    internal static int Report(Exception e, bool debug)
    {
        (string message, string? advice, int code) = e switch
        {
            Failure failure => (failure.Message, failure.Advice, failure.ExitCode),
            SyscallException { Errno: Errno.EROFS } sys => (sys.Message, "the data directory is read-only: put it elsewhere with --root DIR", 125),
            SyscallException { Errno: Errno.ENOSPC } sys => (sys.Message, "the disk is full: free some space", 125),
            SyscallException { Errno: Errno.EPERM or Errno.EACCES } sys => (sys.Message, "timur needs root: try again with sudo", 125),
            SyscallException or IOException or UnauthorizedAccessException => (e.Message, (string?)null, 125),
            _ => ($"this is a defect of timur: {e.GetType().Name}: {e.Message}", "timur --debug shows where; please report it", 125),
        };
        Note($"timur: {message}");
        if (advice is not null)
        {
            Note($"  {advice}");
        }

        if (debug)
        {
            Note(e.ToString());
        }

        return code;
    }

    private static void Write(Fd stream, string text)
    {
        if (!Files.TryWrite(stream, Encoding.UTF8.GetBytes(text), out Errno why) && why != Errno.EPIPE)
        {
            throw new SyscallException("write", why, "output");
        }
    }
}
