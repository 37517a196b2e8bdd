using Microsoft.Win32.SafeHandles;
using Timur.Build.Contexts;
using Timur.Images.Compression;
using Timur.Kernel;

namespace Timur.Build;

/// <summary>Files that ADD unpacks: tar archives, plain or compressed, told apart by what is in them.</summary>
internal static class ArchiveFile
{
    private const int Block = 512;

    /// <summary>What opens it as a plain archive; null when it is none.</summary>
    internal static Func<Stream>? TryFind(SourceTree tree, SourceMatch match)
    {
        try
        {
            using Stream plain = Open(tree, match);
            byte[] block = new byte[Block];
            return plain.ReadAtLeast(block, Block, throwOnEndOfStream: false) == Block && IsHeader(block) ? () => Open(tree, match) : null;
        }
        catch (Exception e) when (Decompression.IsDamage(e) || e is Failure or IOException)
        {
            return null;
        }
    }

    /// <summary>The first bytes of gzip, zstd, bzip2 or xz.</summary>
    internal static bool IsCompressed(ReadOnlySpan<byte> head)
        => head is [0x1f, 0x8b, ..] or [0x28, 0xb5, 0x2f, 0xfd, ..] or [0x42, 0x5a, 0x68, ..] or [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, ..];

    private static Stream Open(SourceTree tree, SourceMatch match)
    {
        Fd file = Files.TryOpenInRoot(tree.Root, match.Real, Kernel.Open.Read, out Errno why) ?? throw new SyscallException("open", why, match.Path);
        var stream = new FileStream(new SafeFileHandle(file.Raw, ownsHandle: true), FileAccess.Read, 1);
        file.SetHandleAsInvalid();
        return Decompression.OpenGiven(stream);
    }

    /// <summary>The sum of a header's bytes, its own field counted as spaces (POSIX.1, pax, ustar).</summary>
    internal static bool IsHeader(ReadOnlySpan<byte> block)
    {
        long sum = 0;
        for (int i = 0; i < Block; i++)
        {
            sum += i is >= 148 and < 156 ? ' ' : block[i];
        }

        long said = 0;
        foreach (byte digit in block.Slice(148, 8))
        {
            said = digit is >= (byte)'0' and <= (byte)'7' ? (said * 8) + digit - '0' : said;
        }

        return said == sum && sum > 8 * ' ';
    }
}
