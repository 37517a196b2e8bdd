namespace Timur.Kernel;

/// <summary>Descriptors that are not files.</summary>
public static unsafe class Descriptors
{
    private const string NullDevice = "/dev/null";
    private const int ForReadingAndWriting = 2;
    private const int GetFlags = 1;
    private const int CloseOnExec = 1;
    private const int Streams = 3;

    /// <summary>For standard streams that this process was started without, and whose numbers the language's own runtime took before anything of ours ran.</summary>
    private static readonly Fd?[] StandIns = new Fd?[Streams];

    /// <summary>The process's own standard stream 0, 1 or 2, or another descriptor that it was started with; disposing doesn't close it.</summary>
    public static Fd Standard(int number) => new(number < Streams && StandIns[number] is { } standIn ? standIn.Raw : number, owns: false);

    /// <summary>
    /// Who starts a process may close its standard streams. What is opened next would be the payload's standard stream then, be it a directory of the
    /// host's: the null device takes those places.
    /// </summary>
    public static void CompleteStandard()
    {
        using var path = new CString(NullDevice, stackalloc byte[16]);
        for (int number = 0; number < Streams; number++)
        {
            if (Sys.Call(Nr.fcntl, number, GetFlags) < 0)
            {
                Sys.Call(Nr.openat, Files.AtFdCwd, path.Address, ForReadingAndWriting);
            }
        }

        for (int number = 0; number < Streams; number++)
        {
            // Nothing that is handed over by execve(2) has this flag.
            if (Sys.Call(Nr.fcntl, number, GetFlags) is > 0 and var flags && (flags & CloseOnExec) != 0)
            {
                StandIns[number] = Files.TryOpen(NullDevice, Open.ReadWrite, out _);
            }
        }
    }

    /// <summary>An anonymous file in memory (memfd_create(2)) with these bytes, at its start.</summary>
    public static Fd Memory(string name, ReadOnlySpan<byte> bytes)
    {
        using var text = new CString(name, stackalloc byte[64]);
        var fd = new Fd((int)Sys.Check(Sys.Call(Nr.memfd_create, text.Address, 1), "memfd_create"));
        Files.Write(fd, bytes, name);
        Sys.Check(Sys.Call(Nr.lseek, fd.Raw, 0, 0), "lseek");
        return fd;
    }

    /// <summary>Reads and writes return EAGAIN instead of waiting.</summary>
    public static void SetNonBlocking(Fd fd)
    {
        long flags = Sys.Call(Nr.fcntl, fd.Raw, 3);
        Sys.Check(Sys.Call(Nr.fcntl, fd.Raw, 4, flags | 0x800), "fcntl");
    }

    /// <summary>A second descriptor for the same open file, numbered 3 or higher.</summary>
    public static Fd Duplicate(Fd fd) => new((int)Sys.Check(Sys.Call(Nr.fcntl, fd.Raw, 1030, 3), "fcntl(F_DUPFD_CLOEXEC)"));
}
