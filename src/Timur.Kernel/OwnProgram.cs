using System.Runtime.InteropServices;

namespace Timur.Kernel;

/// <summary>
/// The program file that this process executes. A process that enters a container takes it along as /proc/self/exe: whoever opens that inside must
/// not be able to write to the host's file (CVE-2019-5736).
/// </summary>
public static unsafe partial class OwnProgram
{
    internal const string Path = "/proc/self/exe";
    private const long MountIsReadOnly = 1;

    /// <summary>This process executes the file through a read-only mount, so that no descriptor of it can ever be opened for writing.</summary>
    public static bool IsReadOnly
    {
        get
        {
            // struct statfs of 64-bit machines: f_flags is the eleventh word.
            long* status = stackalloc long[16];
            using var path = new CString(Path, stackalloc byte[32]);
            return Sys.Call(Nr.statfs, path.Address, (long)status) >= 0 && (status[10] & MountIsReadOnly) != 0;
        }
    }

    /// <summary>
    /// Nobody can write to the file as long as the process <paramref name="pid"/> lives: that executes it too, and this kernel refuses writes to what is
    /// executed (ETXTBSY; a few kernels from 6.11 on don't).
    /// </summary>
    public static bool IsGuardedBy(int pid)
    {
        FileStatus? own = Files.TryStatus(Path, out _, follow: true);
        FileStatus? other = Files.TryStatus($"/proc/{pid}/exe", out _, follow: true);
        if (own is not { } a || other is not { } b || (a.Inode, a.DeviceMajor, a.DeviceMinor) != (b.Inode, b.DeviceMajor, b.DeviceMinor))
        {
            return false;
        }

        using Fd? written = Files.TryOpen(Path, Open.Write, out Errno why);
        return written is null && why is Errno.ETXTBSY or Errno.EROFS;
    }

    /// <summary>Starts this process over with the same arguments and environment, its file behind a read-only mount. Returns only by throwing.</summary>
    public static void ExecuteReadOnly()
    {
        using Fd view = ReadOnlyView.Of(Path);
        Execute(view);
    }

    /// <summary>The parent sees other mounts than this process.</summary>
    public static bool HasPrivateMounts
        => Files.TryReadLink("/proc/self/ns/mnt", out _) != Files.TryReadLink($"/proc/{Sys.Call(Nr.getppid)}/ns/mnt", out _);

    /// <summary>
    /// Starts this process over with the same arguments and environment in a mount namespace of its own, whose mounts nobody else sees and which end with
    /// the last process in it. Returns only by throwing.
    /// </summary>
    public static void ExecuteWithPrivateMounts()
    {
        const int newMounts = 0x20000;
        Sys.Check(Sys.Call(Nr.unshare, newMounts), "unshare(mounts)");
        Mounts.MakePrivate("/");

        // By its name: the link itself leads to the file as the mounts that were left behind have it.
        using Fd program = Files.Open(Files.TryReadLink(Path, out _) ?? Path, Open.Path);
        Execute(program);
    }

    private static void Execute(Fd program)
    {
        byte[] line = Files.ReadAll("/proc/self/cmdline");
        fixed (byte* text = line)
        fixed (byte* name = "environ\0"u8)
        {
            var arguments = (byte**)NativeMemory.AllocZeroed((nuint)(line.Length + 1), (nuint)sizeof(byte*));
            int count = 0;
            for (int i = 0; i < line.Length; i++)
            {
                if (i == 0 || line[i - 1] == 0)
                {
                    arguments[count++] = text + i;
                }
            }

            using var empty = new CString("", stackalloc byte[4]);
            long environment = *(long*)dlsym(0, name);
            const int emptyPath = 0x1000;
            Sys.Check(Sys.Call(Nr.execveat, program.Raw, empty.Address, (long)arguments, environment, emptyPath), "execveat", Path);
        }
    }

    [LibraryImport("libc")]
    private static partial nint dlsym(nint handle, byte* name);
}

/// <summary>A file behind a mount of its own that is attached nowhere and read-only.</summary>
public static unsafe class ReadOnlyView
{
    /// <summary>
    /// A descriptor (O_PATH) of the file: it can be executed, or opened through /proc/self/fd when it is a device, but neither its bytes nor its mode,
    /// owner and times can be changed through it.
    /// </summary>
    public static Fd Of(string path)
    {
        const int cloneAndCloseOnExec = 0x80001;
        const int emptyPath = 0x1000;
        const int atCurrentDirectory = -100;
        using var target = new CString(path, stackalloc byte[512]);
        using var empty = new CString("", stackalloc byte[4]);
        var view = new Fd((int)Sys.Check(Sys.Call(Nr.open_tree, atCurrentDirectory, target.Address, cloneAndCloseOnExec), "open_tree", path));
        long* change = stackalloc long[4];
        (change[0], change[1], change[2], change[3]) = ((long)MountAttributes.ReadOnly, 0, 0, 0);
        Sys.Check(Sys.Call(Nr.mount_setattr, view.Raw, empty.Address, emptyPath, (long)change, 32), "mount_setattr", path);
        return view;
    }
}
