using System.Buffers.Binary;

namespace Timur.Kernel.Launcher;

/// <summary>Files and directories inside the container's root, as operations of a launch program. Every path is resolved with openat2(2) in the root.</summary>
public static class FileOps
{
    private const int PathOnly = 0x200000;
    private const Resolve InRoot = Resolve.InRoot | Resolve.NoMagicLinks;

    private static long OpenPath(bool directory) => Files.OpenBits(directory ? Open.Path | Open.Directory : Open.Path);

    /// <summary>A descriptor (O_PATH) of a host path.</summary>
    public static Arg OpenHostDirectory(this LaunchProgram program, string path)
    {
        Arg slot = program.NewSlot();
        program.Add($"open {path}", Nr.openat, Files.AtFdCwd, program.Text(path), OpenPath(directory: true), 0).Save(slot);
        return slot;
    }

    /// <summary>openat2(2) with O_PATH; the caller decides what a failure means.</summary>
    public static OpHandle OpenInRoot(this LaunchProgram program, string name, Arg root, string path, Arg slot, bool directory)
        => program.Add(name, Nr.openat2, root, program.Text(Relative(path)), program.HowTo(OpenPath(directory), InRoot), 24).Save(slot);

    /// <summary>A descriptor of a directory in the root, made with its parents (mode 0755) when it is missing.</summary>
    public static Arg OpenOrMakeDirectory(this LaunchProgram program, Arg root, string path)
    {
        Arg slot = program.NewSlot();
        string[] components = Relative(path).Split('/', StringSplitOptions.RemoveEmptyEntries);
        OpHandle found = program.OpenInRoot($"open {path}", root, path, slot, directory: true);
        if (components.Length == 0 || components is ["."])
        {
            return slot;
        }

        found.Tolerate(Errno.ENOENT);
        Arg parent = root;
        string prefix = "";
        foreach (string component in components)
        {
            prefix = prefix.Length == 0 ? component : $"{prefix}/{component}";
            OpHandle exists = program.OpenInRoot($"open {prefix}", root, prefix, slot, directory: true).Tolerate(Errno.ENOENT);
            program.Add($"mkdir /{prefix}", Nr.mkdirat, parent, program.Text(component), 0x1ED).Tolerate(Errno.EEXIST);
            program.OpenInRoot($"open /{prefix}", root, prefix, slot, directory: true);
            exists.OnSuccessContinueHere();
            parent = slot;
        }

        found.OnSuccessContinueHere();
        return slot;
    }

    /// <summary>A descriptor of a file in the root, made empty (mode 0644) with its directory when it is missing.</summary>
    public static Arg OpenOrMakeFile(this LaunchProgram program, Arg root, string path)
    {
        Arg slot = program.NewSlot();
        OpHandle found = program.OpenInRoot($"open {path}", root, path, slot, directory: false).Tolerate(Errno.ENOENT);
        string relative = Relative(path);
        int slash = relative.LastIndexOf('/');
        Arg directory = program.OpenOrMakeDirectory(root, slash < 0 ? "." : relative[..slash]);
        const long createNew = 0x40 | 0x80 | 0x80000;
        program.Add($"create {path}", Nr.openat, directory, program.Text(relative[(slash + 1)..]), createNew, 0x1A4).Tolerate(Errno.EEXIST);
        program.OpenInRoot($"open {path}", root, path, slot, directory: false);
        found.OnSuccessContinueHere();
        return slot;
    }

    /// <summary>Writes a short text to a host file in one write(2), as kernel files want it.</summary>
    public static void WriteHostFile(this LaunchProgram program, string path, string text)
    {
        Arg slot = program.NewSlot();
        program.Add($"open {path}", Nr.openat, Files.AtFdCwd, program.Text(path), Files.OpenBits(Open.Write), 0).Save(slot);
        program.Add($"write {text} to {path}", Nr.write, slot, program.Text(text), System.Text.Encoding.UTF8.GetByteCount(text));
        program.Add($"close {path}", Nr.close, slot);
    }

    /// <summary>Writes a text to a file below a directory descriptor; no symbolic link is followed and no mount crossed.</summary>
    public static void WriteBeneath(this LaunchProgram program, string name, Arg directory, string path, string text)
    {
        Arg slot = program.NewSlot();
        const Resolve strict = Resolve.NoSymlinks | Resolve.NoMagicLinks | Resolve.NoCrossDevice | Resolve.Beneath;
        program.Add(name, Nr.openat2, directory, program.Text(path), program.HowTo(Files.OpenBits(Open.Write), strict), 24).Save(slot);
        program.Add(name, Nr.write, slot, program.Text(text), System.Text.Encoding.UTF8.GetByteCount(text));
        program.Add(name, Nr.close, slot);
    }

    /// <summary>struct open_how: flags, mode, resolve.</summary>
    public static Arg HowTo(this LaunchProgram program, long flags, Resolve resolve)
    {
        Span<byte> how = stackalloc byte[24];
        how.Clear();
        BinaryPrimitives.WriteInt64LittleEndian(how, flags);
        BinaryPrimitives.WriteInt64LittleEndian(how[16..], (long)resolve);
        return program.Bytes(how);
    }

    /// <summary>openat2(2) takes paths in the root with or without a leading slash; an empty one is the root.</summary>
    private static string Relative(string path)
    {
        string trimmed = path.Trim('/');
        return trimmed.Length == 0 ? "." : trimmed;
    }
}
