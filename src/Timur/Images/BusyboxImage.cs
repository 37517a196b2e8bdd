using System.Diagnostics;
using Timur.Kernel;
using Timur.Oci;
using Timur.State;

namespace Timur.Images;

/// <summary>The built-in image <c>busybox</c>: this machine's static busybox with a link for each applet. Needs no registry.</summary>
internal static class BusyboxImage
{
    internal static readonly ImageName Name = ImageName.Parse("busybox");

    /// <summary>Makes the image, whole or not at all.</summary>
    internal static Image Create(ImageStore store)
    {
        string binary = Find();
        byte[] bytes = Files.ReadAll(binary);
        using KeptLayer layer = MakeLayer(store, bytes, binary);
        Image image = store.Add(
            new ImageConfig
            {
                Cmd = ["sh"],
                Env = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
                DiffIds = [layer.DiffId],
                History = [new ImageHistory(null, $"timur: from {binary}", "", false)],
            },
            Name);
        store.Settling.FinishInBackground();
        return image;
    }

    /// <summary>The same of the same binary: times are left out.</summary>
    private static KeptLayer MakeLayer(ImageStore store, byte[] bytes, string binary)
    {
        var making = new LayerMaking(store);
        (string directory, FileLock held) = making.NewDirectory();
        try
        {
            BuildTree(directory, bytes, binary);
        }
        catch
        {
            held.Dispose();
            Directories.RemoveTree(directory);
            throw;
        }

        return making.Take(directory, DateTimeOffset.UnixEpoch, held);
    }

    private static void BuildTree(string root, byte[] bytes, string binary)
    {
        foreach (string directory in (ReadOnlySpan<string>)["bin", "dev", "etc", "home", "proc", "root", "run", "sbin", "sys", "tmp", "usr", "usr/bin", "usr/sbin", "var", "var/tmp"])
        {
            Directories.Create($"{root}/{directory}");
        }

        Files.Chmod($"{root}/tmp", 0x3FF);
        Files.Chmod($"{root}/var/tmp", 0x3FF);
        Files.Chmod($"{root}/root", 0x1C0);
        Files.WriteAll($"{root}/bin/busybox", bytes, 0x1ED);
        foreach (string path in Applets(binary))
        {
            Directories.Create($"{root}/{Path.GetDirectoryName(path)}");
            Files.TrySymlink("/bin/busybox", $"{root}/{path}", out _);
        }

        foreach (string name in (ReadOnlySpan<string>)["hosts", "hostname", "resolv.conf"])
        {
            // What each container's own is mounted over.
            Files.WriteAll($"{root}/etc/{name}", []);
        }

        Files.WriteAll($"{root}/etc/passwd", "root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/usr/sbin:/bin/false\nnobody:x:65534:65534:nobody:/home:/bin/false\n"u8);
        Files.WriteAll($"{root}/etc/group", "root:x:0:\ndaemon:x:1:\ntty:x:5:\nnogroup:x:65534:\n"u8);
        Files.WriteAll($"{root}/etc/nsswitch.conf", "hosts: files dns\n"u8);
    }

    /// <summary>Paths such as <c>bin/ls</c>, from the binary's own list.</summary>
    private static string[] Applets(string binary)
    {
        var start = new ProcessStartInfo(binary, "--list-full") { RedirectStandardOutput = true };
        using Process process = Process.Start(start)!;
        string list = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            throw new Failure($"{binary} --list-full ended with exit code {process.ExitCode}, so the busybox image can't be made", "try it by hand; apt-get install busybox-static brings one that works");
        }

        return list.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    private static string Find()
    {
        foreach (string path in (ReadOnlySpan<string>)["/bin/busybox", "/usr/bin/busybox", "/usr/local/bin/busybox"])
        {
            if (Files.TryStatus(path, out _, follow: true) is { Kind: FileKind.Regular } && IsStatic(Files.ReadAll(path)))
            {
                return path;
            }
        }

        throw new Failure("the busybox image needs a static busybox, and this machine has none", "install it: apt-get install busybox-static");
    }

    /// <summary>An ELF file without a PT_INTERP header (elf(5)).</summary>
    private static bool IsStatic(byte[] elf)
    {
        if (elf.Length < 64 || elf[0] != 0x7f || elf[4] != 2)
        {
            return false;
        }

        long table = BitConverter.ToInt64(elf, 32);
        int size = BitConverter.ToUInt16(elf, 54);
        int count = BitConverter.ToUInt16(elf, 56);
        for (int i = 0; i < count; i++)
        {
            if (BitConverter.ToInt32(elf, (int)table + (i * size)) == 3)
            {
                return false;
            }
        }

        return true;
    }
}
