namespace Timur.Kernel;

/// <summary>A terminal's size in characters.</summary>
public readonly record struct TerminalSize(ushort Rows, ushort Columns);

/// <summary>Terminals (ioctl_tty(2), termios(3)).</summary>
public static unsafe class Terminal
{
    private const int GetAttributes = 0x5401;
    private const int SetAttributesNow = 0x5402;
    private const int GetSize = 0x5413;
    private const int SetSizeRequest = 0x5414;
    private const int AttributeBytes = 60;

    /// <summary>Whether a descriptor is a terminal.</summary>
    public static bool Is(Fd fd)
    {
        byte* attributes = stackalloc byte[AttributeBytes];
        return Sys.Call(Nr.ioctl, fd.Raw, GetAttributes, (long)attributes) == 0;
    }

    /// <summary>The size, or null when it isn't a terminal.</summary>
    public static TerminalSize? Size(Fd fd)
    {
        ushort* size = stackalloc ushort[4];
        return Sys.Call(Nr.ioctl, fd.Raw, GetSize, (long)size) == 0 ? new TerminalSize(size[0], size[1]) : null;
    }

    /// <summary>Sets the size; the foreground processes get SIGWINCH.</summary>
    public static void SetSize(Fd fd, TerminalSize size)
    {
        ushort* value = stackalloc ushort[4];
        *(ulong*)value = 0;
        value[0] = size.Rows;
        value[1] = size.Columns;
        Sys.Call(Nr.ioctl, fd.Raw, SetSizeRequest, (long)value);
    }

    /// <summary>
    /// Raw mode, as cfmakeraw(3) has it: every byte goes through untouched. Returns what restores the former mode; null when it isn't a terminal.
    /// </summary>
    /// <param name="keepOutput">Output stays as it is: a line feed still begins a new line.</param>
    public static TerminalMode? MakeRaw(Fd fd, bool keepOutput = false)
    {
        // struct termios of the kernel: iflag, oflag, cflag, lflag, line, cc[19]
        byte[] former = new byte[AttributeBytes];
        byte[] raw = new byte[AttributeBytes];
        fixed (byte* before = former)
        fixed (byte* after = raw)
        {
            if (Sys.Call(Nr.ioctl, fd.Raw, GetAttributes, (long)before) != 0)
            {
                return null;
            }

            former.CopyTo(raw, 0);
            uint* flags = (uint*)after;
            flags[0] &= ~(0x1u | 0x2 | 0x8 | 0x20 | 0x40 | 0x80 | 0x100 | 0x400);
            flags[1] &= keepOutput ? ~0u : ~0x1u;
            flags[2] = (flags[2] & ~(0x30u | 0x100)) | 0x30;
            flags[3] &= ~(0x8u | 0x40 | 0x2 | 0x1 | 0x8000);
            Sys.Call(Nr.ioctl, fd.Raw, SetAttributesNow, (long)after);
        }

        return new TerminalMode(fd, former);
    }

    /// <summary>Line feeds of its programs come out of the terminal as they are, with no carriage return before them (ONLCR, termios(3)).</summary>
    public static void ClearNewlineMapping(Fd fd)
    {
        byte* attributes = stackalloc byte[AttributeBytes];
        if (Sys.Call(Nr.ioctl, fd.Raw, GetAttributes, (long)attributes) == 0)
        {
            ((uint*)attributes)[1] &= ~0x4u;
            Sys.Call(Nr.ioctl, fd.Raw, SetAttributesNow, (long)attributes);
        }
    }

    internal static void Restore(Fd fd, byte[] attributes)
    {
        fixed (byte* value = attributes)
        {
            Sys.Call(Nr.ioctl, fd.Raw, SetAttributesNow, (long)value);
        }
    }
}

/// <summary>The mode a terminal had; disposing restores it.</summary>
public sealed class TerminalMode : IDisposable
{
    private readonly Fd _fd;
    private readonly byte[] _attributes;

    internal TerminalMode(Fd fd, byte[] attributes)
    {
        _fd = fd;
        _attributes = attributes;
    }

    public void Dispose() => Terminal.Restore(_fd, _attributes);
}
