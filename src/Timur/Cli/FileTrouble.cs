using Timur.Kernel;

namespace Timur.Cli;

/// <summary>Why a file that the person named can't be read or written, in the kernel's words; the class library names files of ours and wraps them in sentences of its own.</summary>
internal sealed record FileTrouble(string Why, string Advice)
{
    private const int NumberOfErrno = 0xffff;

    /// <summary>Null when it is no trouble with a file.</summary>
    internal static FileTrouble? Of(Exception e)
    {
        Errno why = e switch
        {
            FileNotFoundException or DirectoryNotFoundException => Errno.ENOENT,
            UnauthorizedAccessException { InnerException: null } => Errno.EISDIR,
            UnauthorizedAccessException => Errno.EACCES,
            IOException { HResult: > 0 and <= NumberOfErrno } other => (Errno)other.HResult,
            SyscallException kernel => kernel.Errno,
            _ => Errno.None,
        };
        return why == Errno.None ? e is IOException ? new FileTrouble(e.Message, "look at that file system: df, dmesg") : null : new FileTrouble(why.Describe(), why switch
        {
            Errno.ENOSPC or Errno.EDQUOT => "free some space there, or write elsewhere",
            Errno.ENOENT or Errno.ENOTDIR or Errno.EISDIR => "give a path in a directory that exists and can be written",
            Errno.EROFS => "that file system is read-only: write elsewhere",
            Errno.EACCES or Errno.EPERM => "choose another place, or try again with sudo",
            _ => "look at that file system: df, dmesg",
        });
    }
}
