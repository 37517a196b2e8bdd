using Timur.Kernel;

namespace Timur.Images.Tar;

/// <summary>What an entry of an archive is.</summary>
internal enum TarKind
{
    File, HardLink, SymbolicLink, CharacterDevice, BlockDevice, Directory, Fifo,
}

/// <summary>One entry; names are bytes. The content, if any, is read through <see cref="TarReader"/> before the next entry.</summary>
internal sealed class TarEntry
{
    internal required byte[] Name { get; init; }

    internal required byte[] LinkName { get; init; }

    internal required TarKind Kind { get; init; }

    internal required OwnerAndTimes Attributes { get; init; }

    /// <summary>Bytes of the file once it is unpacked.</summary>
    internal required long Size { get; init; }

    internal required uint Major { get; init; }

    internal required uint Minor { get; init; }

    internal IReadOnlyList<(byte[] Name, byte[] Value)> Extended { get; init; } = [];

    /// <summary>For a sparse file its parts: where, how many bytes. Null for an ordinary one.</summary>
    internal IReadOnlyList<(long Offset, long Length)>? Parts { get; init; }
}
