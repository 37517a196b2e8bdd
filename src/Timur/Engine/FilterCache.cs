using System.Buffers.Binary;
using Timur.Kernel;
using Timur.Oci;
using Timur.Runtime.Seccomp;
using Timur.State;

namespace Timur.Engine;

/// <summary>
/// Compiled seccomp filters of the built-in profile, <c>filters/ORIGIN</c>: compiling one anew costs a start a tenth of its time. A file starts with a
/// stamp of the executable that compiled it, so that another version of the compiler never meets an old result.
/// </summary>
internal static class FilterCache
{
    private const int StampSize = 40;

    /// <summary>The filter, an array of struct sock_filter. A cache that can't be read or written is no failure.</summary>
    internal static byte[] Get(DataPaths paths, LinuxSeccomp profile)
    {
        if (profile.Origin is not { } origin)
        {
            return FilterCompiler.Compile(profile);
        }

        string path = $"{paths.Filters}/{origin}";
        Span<byte> stamp = stackalloc byte[StampSize];
        StampExecutable(stamp);
        if (Files.TryReadAll(path, out _) is { Length: > StampSize } cached)
        {
            Sum(stamp, cached.AsSpan(StampSize));
            if (cached.AsSpan(0, StampSize).SequenceEqual(stamp))
            {
                return cached[StampSize..];
            }
        }

        byte[] filter = FilterCompiler.Compile(profile);
        Sum(stamp, filter);
        Keep(paths, path, [.. stamp, .. filter]);
        return filter;
    }

    private static void Keep(DataPaths paths, string path, byte[] content)
    {
        try
        {
            Directories.Create(paths.Filters, 0x1C0);
            AtomicFile.Write(path, content);
        }
        catch (SyscallException)
        {
            // The next start compiles it again.
        }
    }

    private static void StampExecutable(Span<byte> stamp)
    {
        FileStatus status = Files.TryStatus("/proc/self/exe", out _, follow: true) ?? default;
        BinaryPrimitives.WriteUInt64LittleEndian(stamp, status.Inode);
        BinaryPrimitives.WriteUInt64LittleEndian(stamp[8..], status.Size);
        BinaryPrimitives.WriteInt64LittleEndian(stamp[16..], status.ModifiedSeconds);
        BinaryPrimitives.WriteUInt64LittleEndian(stamp[24..], status.ModifiedNanoseconds);
    }

    /// <summary>FNV-1a of the filter: what a power cut left half-written is not a filter.</summary>
    private static void Sum(Span<byte> stamp, ReadOnlySpan<byte> filter)
    {
        ulong hash = 14695981039346656037;
        foreach (byte b in filter)
        {
            hash = (hash ^ b) * 1099511628211;
        }

        BinaryPrimitives.WriteUInt64LittleEndian(stamp[32..], hash);
    }
}
