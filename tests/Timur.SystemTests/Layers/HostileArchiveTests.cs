using System.Diagnostics;
using System.IO.Compression;
using System.Text;
using Timur.Images.Compression;
using Timur.Kernel;
using Xunit;
using Xunit.Abstractions;

namespace Timur.SystemTests.Layers;

/// <summary>Archives that were damaged, or made to do harm: they end in a message, within bounds, and nothing is written outside.</summary>
public sealed class HostileArchiveTests(ITestOutputHelper output)
{
    private const int Cases = 6000;

    [Fact]
    public void Whatever_is_changed_in_an_archive_ends_well_or_in_a_message()
    {
        int seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        List<byte[]> archives = [Everything(), FromGnuTar("gnu"), FromGnuTar("pax"), FromGnuTar("ustar")];
        int refused = 0;
        using var tree = new Unpacked();
        for (int i = 0; i < Cases; i++)
        {
            byte[] archive = Changed(archives[i % archives.Count], random);
            try
            {
                tree.Unpack(archive);
            }
            catch (Exception e) when (e is Failure or SyscallException)
            {
                refused++;
                Assert.True(e.Message.Length > 10, e.Message);
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {seed}, case {i}: {e}");
            }

            Assert.Equal("", tree.Outside());
            Directories.RemoveTree(tree.Root);
            Directory.CreateDirectory(tree.Root);
        }

        // Both ends occur often, else nothing was tried.
        Assert.InRange(refused, Cases / 10, Cases * 9 / 10);
    }

    [Theory]
    [InlineData('0', "")]
    [InlineData('1', "/")]
    [InlineData('2', ".")]
    [InlineData('6', "./.")]
    public void The_root_of_an_archive_is_a_directory_and_nothing_else(char kind, string name)
    {
        using var tree = new Unpacked();
        Failure refused = Assert.Throws<Failure>(() => tree.Unpack(new TarBuilder().File("f").Entry(kind, name, "f").Bytes));
        Assert.Contains("its root and no directory", refused.Message);
    }

    [Fact]
    public void What_unpacks_to_far_more_than_it_is_worth_is_given_up()
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.SmallestSize, leaveOpen: true))
        {
            for (int i = 0; i < 64; i++)
            {
                gzip.Write(new byte[1 << 20]);
            }
        }

        packed.Position = 0;
        using Stream plain = Decompression.Open(packed, unquestioned: 1 << 20);
        Failure failure = Assert.Throws<Failure>(() => plain.CopyTo(Stream.Null));
        Assert.Contains("unpack to more than", failure.Message);
        packed.Position = 0;
        using Stream allowed = Decompression.Open(packed);
        allowed.CopyTo(Stream.Null);
    }

    public static TheoryData<string, string> Bombs => new()
    {
        { "directories", "more directories" },
        { "pax headers", "extended headers of" },
        { "global headers", "global headers" },
        { "long names", "a name of" },
        { "sparse parts", "more than 1048576 parts" },
        { "old sparse parts", "more than 1048576 parts" },
        { "window", "" },
        { "large window", "memory are needed" },
    };

    [Theory]
    [MemberData(nameof(Bombs))]
    public void No_archive_makes_the_command_use_much_memory(string kind, string reason)
    {
        using var timur = new TimurCommand();
        string file = timur.Root + "/bomb";
        WriteBomb(kind, file);
        (Outcome outcome, long peak) = Import(timur, file);
        output.WriteLine($"{kind}: {peak >> 20} MB");
        Assert.True(reason.Length == 0 ? outcome.Code == 0 : outcome.Code == 125 && outcome.Error.Contains(reason, StringComparison.Ordinal), outcome.ToString());
        Assert.InRange(peak, 1 << 20, 200L << 20);
        Assert.Equal("everything is as recorded\n", timur.Run("system", "check").Out);
    }

    private static void WriteBomb(string kind, string file)
    {
        if (kind.EndsWith("window", StringComparison.Ordinal))
        {
            string level = kind == "window" ? "--ultra -22" : "--long=31";
            Outcome made = TimurCommand.Execute("sh", ["-ec", $"mkdir {file}.d; truncate -s 200M {file}.d/zeroes; tar -C {file}.d -c . | zstd -q {level} --size-hint=250M -o {file}"]);
            Assert.True(made.Code == 0, made.ToString());
            return;
        }

        using var gzip = new GZipStream(File.Create(file), CompressionLevel.Fastest);
        byte[] Plain(TarBuilder builder) => builder.Bytes[..^1024];
        switch (kind)
        {
            case "directories":
                string deep = string.Join('/', Enumerable.Repeat(new string('d', 250), 8));
                for (int i = 0; i < 30_000; i++)
                {
                    gzip.Write(Plain(new TarBuilder().Pax(("path", $"{deep}/{i}/")).Directory("x")));
                }

                break;
            case "pax headers":
                for (int i = 0; i < 100; i++)
                {
                    gzip.Write(Plain(new TarBuilder().Pax(($"KEY.{i}", new string('v', 1 << 20)))));
                }

                break;
            case "global headers":
                for (int i = 0; i < 100; i++)
                {
                    gzip.Write(Plain(new TarBuilder().Global(($"KEY.{i}", new string('v', 1 << 20))).File("x")));
                }

                break;
            case "long names": gzip.Write(Plain(new TarBuilder().Pax(("path", string.Join('/', Enumerable.Repeat("aa", 1_000_000)))).File("x"))); break;
            case "sparse parts":
                gzip.Write(Plain(new TarBuilder().Pax(("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.realsize", "9")).Entry('0', "x", content: Encoding.ASCII.GetBytes("99999999\n"), size: 512)));
                break;
            case "old sparse parts":
                gzip.Write(Plain(new TarBuilder().Entry('S', "x", size: 0, change: header => header[482] = 1)));
                byte[] block = new byte[512];
                for (int i = 0; i < 21; i++)
                {
                    Encoding.ASCII.GetBytes("00000000000\000000000000\0").CopyTo(block, i * 24);
                }

                block[504] = 1;
                for (int i = 0; i < 60_000; i++)
                {
                    gzip.Write(block);
                }

                break;
        }

        gzip.Write(new byte[1024]);
    }

    /// <summary>The peak resident memory as the kernel counts it (proc_pid_status(5), VmHWM), read until the end.</summary>
    private static (Outcome, long Peak) Import(TimurCommand timur, string file)
    {
        var start = new ProcessStartInfo("sh", ["-c", $"exec {timur.Words} import {file} bomb"]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        long peak = 0;
        while (!process.HasExited)
        {
            string? line = Files.TryReadText($"/proc/{process.Id}/status", out _)?.Split('\n').FirstOrDefault(text => text.StartsWith("VmHWM:", StringComparison.Ordinal));
            peak = Math.Max(peak, line is null ? 0 : long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]) * 1024);
            Thread.Sleep(2);
        }

        return (new Outcome(process.ExitCode, process.StandardOutput.ReadToEnd(), error.Result), peak);
    }

    private static byte[] Changed(byte[] archive, Random random)
    {
        byte[] copy = [.. archive];
        int changes = random.Next(1, 4);
        for (int i = 0; i < changes; i++)
        {
            int block = random.Next(copy.Length / 512) * 512;
            int at = block + random.Next(512);
            copy[at] = random.Next(4) switch { 0 => (byte)random.Next(256), 1 => (byte)('0' + random.Next(10)), 2 => (byte)"xgLKSVMN1234567/ \n=,."[random.Next(21)], _ => (byte)(copy[at] ^ (1 << random.Next(8))) };
            if (random.Next(3) > 0 && copy.AsSpan(block + 257, 5).SequenceEqual("ustar"u8))
            {
                // A wrong checksum ends it at once; most changes are to come further.
                Array.Fill(copy, (byte)' ', block + 148, 8);
                int sum = copy.AsSpan(block, 512).ToArray().Sum(value => value);
                Encoding.ASCII.GetBytes(Convert.ToString(sum, 8).PadLeft(6, '0') + "\0 ").CopyTo(copy, block + 148);
            }
        }

        return random.Next(8) == 0 ? copy[..random.Next(copy.Length)] : copy;
    }

    private static byte[] Everything() => new TarBuilder()
        .Directory("./").Directory("d/", time: "1.5").File("d/f", "content").Link("d/h", "d/f").Symlink("s", "d").File("s/through").File("d/.wh.gone").File("d/.wh..wh..opq")
        .Entry('3', "c", device: (1, 3)).Entry('6', "p")
        .Pax(("path", "long/name"), ("uid", "70000"), ("mtime", "3.25"), ("SCHILY.xattr.user.a", "b"), ("LIBARCHIVE.xattr.user.c", "AAEC")).File("x", "pax")
        .Global(("gid", "5")).File("g")
        .Entry('L', "././@LongLink", content: Encoding.ASCII.GetBytes(new string('l', 200) + "\0")).File("short")
        .Pax(("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.name", "sparse"), ("GNU.sparse.realsize", "5000")).Entry('0', "x", content: Sparse())
        .File("last", owner: 3_000_000_000).Bytes;

    private static byte[] Sparse()
    {
        byte[] content = new byte[512 + 10];
        "1\n100\n10\n"u8.CopyTo(content);
        return content;
    }

    private static byte[] FromGnuTar(string format)
    {
        string home = Directory.CreateTempSubdirectory("timur-test-").FullName;
        try
        {
            TimurCommand.Execute("bash", ["-c", $"cd {home}; mkdir -p src/a/b; echo hello >src/a/b/f; ln src/a/b/f src/a/h; ln -s ../f src/a/s; truncate -s 4K src/holes; printf x | dd of=src/holes bs=1 seek=2000 conv=notrunc status=none; tar --format={format} {(format == "ustar" ? "" : "-S")} -C src -cf archive ."]);
            return File.ReadAllBytes(home + "/archive");
        }
        finally
        {
            Directories.RemoveTree(home);
        }
    }
}
