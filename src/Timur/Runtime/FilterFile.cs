using System.Buffers.Binary;
using Timur.Kernel;
using Timur.State;

namespace Timur.Runtime;

/// <summary>
/// A compiled seccomp filter in a file: compiling one anew costs a start a tenth of its time. The file starts with a stamp of the executable that
/// compiled it, so that another version of the compiler never meets an old result, and with a sum: what a power cut left half-written is no filter.
/// </summary>
public static class FilterFile
{
    private const int StampSize = 32;
    private const int HeaderSize = StampSize + 8 + 4;

    /// <summary>The filter, an array of struct sock_filter, when the file holds one that was made of this <paramref name="key"/>; otherwise null.</summary>
    public static byte[]? TryRead(string path, ReadOnlySpan<byte> key)
    {
        if (Files.TryReadAll(path, out _) is not { } file || file.Length <= HeaderSize + key.Length)
        {
            return null;
        }

        Span<byte> header = stackalloc byte[HeaderSize];
        WriteHeader(header, file.AsSpan(HeaderSize), key.Length);
        return file.AsSpan(0, HeaderSize).SequenceEqual(header) && file.AsSpan(HeaderSize, key.Length).SequenceEqual(key) ? file[(HeaderSize + key.Length)..] : null;
    }

    /// <summary>Keeps it; a directory that can't be written is no failure, the next start compiles again.</summary>
    public static void Keep(string path, ReadOnlySpan<byte> key, ReadOnlySpan<byte> filter)
    {
        byte[] content = [.. key, .. filter];
        byte[] header = new byte[HeaderSize];
        WriteHeader(header, content, key.Length);
        try
        {
            Directories.Create(Path.GetDirectoryName(path)!, 0x1C0);
            AtomicFile.Write(path, [.. header, .. content]);
        }
        catch (SyscallException)
        {
            // The next start compiles it again.
        }
    }

    private static void WriteHeader(Span<byte> header, ReadOnlySpan<byte> content, int keyLength)
    {
        FileStatus status = Files.TryStatus("/proc/self/exe", out _, follow: true) ?? default;
        BinaryPrimitives.WriteUInt64LittleEndian(header, status.Inode);
        BinaryPrimitives.WriteUInt64LittleEndian(header[8..], status.Size);
        BinaryPrimitives.WriteInt64LittleEndian(header[16..], status.ModifiedSeconds);
        BinaryPrimitives.WriteUInt64LittleEndian(header[24..], status.ModifiedNanoseconds);
        BinaryPrimitives.WriteUInt64LittleEndian(header[StampSize..], Sum(content));
        BinaryPrimitives.WriteInt32LittleEndian(header[(StampSize + 8)..], keyLength);
    }

    /// <summary>FNV-1a over words of eight bytes.</summary>
    public static ulong Sum(ReadOnlySpan<byte> bytes)
    {
        const ulong prime = 1099511628211;
        ulong hash = 14695981039346656037;
        while (bytes.Length >= 8)
        {
            hash = (hash ^ BinaryPrimitives.ReadUInt64LittleEndian(bytes)) * prime;
            bytes = bytes[8..];
        }

        foreach (byte b in bytes)
        {
            hash = (hash ^ b) * prime;
        }

        return hash;
    }
}
