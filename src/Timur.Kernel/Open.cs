namespace Timur.Kernel;

/// <summary>open(2) flags; x86-64 and arm64 differ in four of them.</summary>
[Flags]
public enum Open
{
    Read = 0, Write = 1, ReadWrite = 2,
    Create = 0x40, Exclusive = 0x80, NoCtty = 0x100, Truncate = 0x200, Append = 0x400, NonBlock = 0x800,
    CloseOnExec = 0x80000, Path = 0x200000,

    /// <summary>Placeholders that <see cref="Files"/> translates for the architecture: O_DIRECTORY, O_NOFOLLOW, O_DIRECT.</summary>
    Directory = 0x10000, NoFollow = 0x20000, Direct = 0x4000,
}

/// <summary>openat2(2) <c>resolve</c> flags.</summary>
[Flags]
public enum Resolve
{
    None = 0, NoCrossDevice = 1, NoMagicLinks = 2, NoSymlinks = 4, Beneath = 8, InRoot = 0x10, Cached = 0x20,
}

/// <summary>A file's kind, as in the upper bits of st_mode (inode(7)).</summary>
public enum FileKind
{
    Fifo = 0x1000, CharacterDevice = 0x2000, Directory = 0x4000, BlockDevice = 0x6000, Regular = 0x8000, SymbolicLink = 0xA000, Socket = 0xC000,
}
