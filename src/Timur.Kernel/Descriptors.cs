namespace Timur.Kernel;

/// <summary>Descriptors that are not files.</summary>
public static unsafe class Descriptors
{
    /// <summary>The process's own standard stream 0, 1 or 2; disposing doesn't close it.</summary>
    public static Fd Standard(int number) => new(number, owns: false);

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
