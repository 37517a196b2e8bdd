using Timur.Images.Tar;
using Timur.Kernel;
using Xunit;

namespace Timur.Tests.Images;

/// <summary>What is written is read back, by the reader that real archives are tested with.</summary>
public class TarWriterTests
{
    private static readonly byte[] Long = [.. Enumerable.Repeat((byte)'n', 150), (byte)'\n', 0xE9];

    [Fact]
    public void Long_and_odd_names_large_ids_early_times_and_attributes_survive()
    {
        FileStatus status = Status(FileKind.SymbolicLink, user: 4_000_000_000, group: 3_000_000_000, seconds: -5, nanoseconds: 250_000_000);
        byte[] value = [0, 10, 255];
        TarEntry entry = Assert.Single(Read(writer => writer.Write('2', Long, [.. Long, 1], status, [("user.a=b"u8.ToArray(), value), ("security.capability"u8.ToArray(), [])])));
        Assert.Equal(Long, entry.Name);
        Assert.Equal([.. Long, 1], entry.LinkName);
        Assert.Equal(TarKind.SymbolicLink, entry.Kind);
        Assert.Equal((4_000_000_000u, 3_000_000_000u, 0x1EDu), (entry.Attributes.UserId, entry.Attributes.GroupId, entry.Attributes.Permissions));
        Assert.Equal((-5L, 250_000_000u), (entry.Attributes.Seconds, entry.Attributes.Nanoseconds));
    }

    [Theory]
    [InlineData('3', 1, 3)]
    [InlineData('4', 259, 1_000_000)]
    public void Device_numbers_survive(char type, uint major, uint minor)
    {
        FileStatus status = Status(FileKind.BlockDevice) with { SpecialMajor = major, SpecialMinor = minor };
        TarEntry entry = Assert.Single(Read(writer => writer.Write(type, "d"u8.ToArray(), [], status, [])));
        Assert.Equal((major, minor), (entry.Major, entry.Minor));
    }

    [Fact]
    public void Attributes_come_back_as_bytes()
    {
        byte[] value = [0, 10, 61, 255];
        TarEntry entry = Assert.Single(Read(writer => writer.Write('5', "d/"u8.ToArray(), [], Status(FileKind.Directory), [("user.note"u8.ToArray(), value)])));
        (byte[] name, byte[] content) = Assert.Single(entry.Extended);
        Assert.Equal("user.note"u8.ToArray(), name);
        Assert.Equal(value, content);
    }

    private static List<TarEntry> Read(Action<TarWriter> write)
    {
        using var stream = new MemoryStream();
        var writer = new TarWriter(stream);
        write(writer);
        writer.Finish();
        Assert.Equal(0, stream.Length % 512);
        stream.Position = 0;
        var reader = new TarReader(stream);
        var entries = new List<TarEntry>();
        while (reader.Next() is { } entry)
        {
            entries.Add(entry);
        }

        return entries;
    }

    private static FileStatus Status(FileKind kind, uint user = 0, uint group = 0, long seconds = 1, uint nanoseconds = 0)
        => new(kind, 0x1ED, 1, user, group, 1, 0, 0, 0, 0, 0, 0, seconds, nanoseconds, false);
}
