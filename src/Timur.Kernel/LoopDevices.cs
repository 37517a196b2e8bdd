using System.Text;

namespace Timur.Kernel;

/// <summary>Loop devices (loop(4)).</summary>
public static unsafe class LoopDevices
{
    private const int GetFree = 0x4C82;
    private const int Configure = 0x4C0A;
    private const int SetCapacity = 0x4C07;
    private const uint FlagReadOnly = 1;
    private const uint FlagAutoClear = 4;
    private const uint FlagDirect = 16;
    private const int ConfigBytes = 304;

    /// <summary>
    /// Attaches an image file to a free device, which lets go of it by itself when the last user is gone (autoclear). Direct I/O keeps the data out of the
    /// host's page cache and makes a flush inside a flush outside; a file system that can't is used buffered.
    /// </summary>
    public static (Fd Device, string Path) Attach(string image, string label, bool readOnly = false)
    {
        using Fd file = Files.Open(image, readOnly ? Open.Read : Open.ReadWrite);
        using Fd control = Files.Open("/dev/loop-control", Open.ReadWrite);
        for (int attempt = 0; ; attempt++)
        {
            long number = Sys.Check(Sys.Call(Nr.ioctl, control.Raw, GetFree), "ioctl(LOOP_CTL_GET_FREE)");
            string path = $"/dev/loop{number}";
            var device = new Fd((int)Sys.Check(OpenDevice(path, readOnly), "open", path));
            Errno why = TryConfigure(device, file, label, readOnly, direct: true);
            if (why == Errno.EINVAL)
            {
                why = TryConfigure(device, file, label, readOnly, direct: false);
            }

            if (why == Errno.None)
            {
                return (device, path);
            }

            device.Dispose();

            // Somebody else took the free one first.
            if (why != Errno.EBUSY || attempt > 64)
            {
                throw new SyscallException("ioctl(LOOP_CONFIGURE)", why, image);
            }
        }
    }

    /// <summary>Tells a device that its file has grown.</summary>
    public static void Refresh(Fd device) => Sys.Check(Sys.Call(Nr.ioctl, device.Raw, SetCapacity), "ioctl(LOOP_SET_CAPACITY)");

    /// <summary>Devices in use and the files behind them, as sysfs tells.</summary>
    public static IReadOnlyList<(string Device, string File)> List()
    {
        var devices = new List<(string, string)>();
        foreach (DirectoryEntry entry in Directories.List("/sys/block"))
        {
            if (entry.Name.StartsWith("loop", StringComparison.Ordinal) && Files.TryReadText($"/sys/block/{entry.Name}/loop/backing_file", out _) is { Length: > 0 } file)
            {
                devices.Add(("/dev/" + entry.Name, file));
            }
        }

        return devices;
    }

    private static long OpenDevice(string path, bool readOnly)
    {
        using var text = new CString(path, stackalloc byte[64]);
        return Sys.CallRetry(Nr.openat, Files.AtFdCwd, text.Address, Files.OpenBits(readOnly ? Open.Read : Open.ReadWrite), 0);
    }

    private static Errno TryConfigure(Fd device, Fd file, string label, bool readOnly, bool direct)
    {
        // struct loop_config: fd, block_size, then loop_info64: 52 bytes of numbers, lo_flags, lo_file_name[64] (linux/loop.h)
        byte* config = stackalloc byte[ConfigBytes];
        new Span<byte>(config, ConfigBytes).Clear();
        *(uint*)config = (uint)file.Raw;
        *(uint*)(config + 8 + 52) = FlagAutoClear | (readOnly ? FlagReadOnly : 0) | (direct ? FlagDirect : 0);
        byte[] name = Encoding.UTF8.GetBytes(label);
        name.AsSpan(0, Math.Min(name.Length, 63)).CopyTo(new Span<byte>(config + 8 + 56, 63));
        return Sys.Why(Sys.Call(Nr.ioctl, device.Raw, Configure, (long)config));
    }
}
