using System.Runtime.InteropServices;

namespace Timur.Kernel;

/// <summary>An extended regular expression of the C library (regex(7), regcomp(3)) that names are held against.</summary>
public sealed unsafe partial class NamePattern : IDisposable
{
    private const int Extended = 1;

    /// <summary>More than any C library's regex_t takes.</summary>
    private const int Room = 512;

    private readonly nint _compiled = (nint)NativeMemory.AllocZeroed(Room);

    /// <exception cref="ArgumentException">The text isn't an expression; the message says why.</exception>
    public NamePattern(string expression)
    {
        int error = regcomp(_compiled, expression, Extended);
        if (error != 0)
        {
            byte* words = stackalloc byte[256];
            regerror(error, _compiled, words, 256);
            NativeMemory.Free((void*)_compiled);
            throw new ArgumentException(Marshal.PtrToStringUTF8((nint)words));
        }
    }

    /// <summary>Whether some part of the name is like the expression.</summary>
    public bool Matches(string name) => regexec(_compiled, name, 0, 0, 0) == 0;

    public void Dispose()
    {
        regfree(_compiled);
        NativeMemory.Free((void*)_compiled);
    }

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int regcomp(nint compiled, string expression, int flags);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int regexec(nint compiled, string name, nuint matches, nint places, int flags);

    [LibraryImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nuint regerror(int error, nint compiled, byte* words, nuint room);

    [LibraryImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial void regfree(nint compiled);
}
