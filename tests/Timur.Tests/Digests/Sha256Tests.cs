using System.Security.Cryptography;
using System.Text;
using Timur.Digests;
using Xunit;

namespace Timur.Tests.Digests;

public sealed class Sha256Tests
{
    /// <summary>The examples of FIPS 180-4 and NIST's further ones.</summary>
    public static TheoryData<string, int, string> Examples { get; } = new()
    {
        { "", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
        { "abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
        { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
        { "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu", 1, "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1" },
        { "a", 1_000_000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0" },
    };

    [Theory]
    [MemberData(nameof(Examples))]
    public void The_standards_examples_come_out(string text, int times, string expected)
    {
        var digest = new Sha256();
        byte[] bytes = Encoding.ASCII.GetBytes(text);
        for (int i = 0; i < times; i++)
        {
            digest.Append(bytes);
        }

        Assert.Equal(expected, digest.FinishHex());
    }

    [Fact]
    public void Every_length_agrees_with_the_platforms()
    {
        var random = new Random(1);
        for (int length = 0; length < 700; length++)
        {
            byte[] bytes = new byte[length];
            random.NextBytes(bytes);
            Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(bytes)), Sha256.Hex(bytes));
        }
    }

    [Fact]
    public void However_it_is_cut_it_is_the_same_and_the_next_one_starts_anew()
    {
        var random = new Random(2);
        var digest = new Sha256();
        using var stream = new StreamSha256();
        for (int round = 0; round < 200; round++)
        {
            byte[] bytes = new byte[random.Next(5000)];
            random.NextBytes(bytes);
            for (int at = 0; at < bytes.Length;)
            {
                int count = Math.Min(random.Next(200), bytes.Length - at);
                digest.Append(bytes.AsSpan(at, count));
                stream.Append(bytes.AsSpan(at, count));
                at += count;
            }

            string expected = Convert.ToHexStringLower(SHA256.HashData(bytes));
            Assert.Equal((expected, expected), (digest.FinishHex(), stream.FinishHex()));
        }
    }

    [Fact]
    public void Digesting_allocates_nothing()
    {
        var digest = new Sha256();
        byte[] bytes = new byte[100_000];
        byte[] result = new byte[Sha256.Size];
        digest.Append(bytes);
        digest.Finish(result);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 10; i++)
        {
            digest.Append(bytes.AsSpan(i));
            digest.Finish(result);
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }
}
