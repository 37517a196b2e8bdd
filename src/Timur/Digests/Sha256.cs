using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Timur.Digests;

/// <summary>
/// SHA-256 (FIPS 180-4) without any library, for machines without OpenSSL and for what is so small that loading OpenSSL takes longer than the digest.
/// Nothing is allocated but the object itself.
/// </summary>
public sealed class Sha256
{
    /// <summary>Bytes of a digest.</summary>
    public const int Size = 32;

    private const int BlockSize = 64;

    /// <summary>Fractional parts of the square roots of the first eight primes (5.3.3).</summary>
    private static readonly uint[] Initial = [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19];

    /// <summary>Fractional parts of the cube roots of the first 64 primes (4.2.2).</summary>
    private static readonly uint[] Constants =
    [
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
        0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
        0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
        0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
        0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
        0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
        0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
        0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
    ];

    private readonly uint[] _state = new uint[8];
    private readonly byte[] _partial = new byte[BlockSize];
    private long _length;

    public Sha256() => Initial.CopyTo(_state);

    /// <summary>The digest of some bytes as 64 hexadecimal digits.</summary>
    public static string Hex(ReadOnlySpan<byte> bytes)
    {
        var digest = new Sha256();
        digest.Append(bytes);
        return digest.FinishHex();
    }

    /// <summary>Adds bytes to what is digested.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        int kept = (int)(_length % BlockSize);
        _length += bytes.Length;
        if (kept > 0)
        {
            int taken = Math.Min(bytes.Length, BlockSize - kept);
            bytes[..taken].CopyTo(_partial.AsSpan(kept));
            bytes = bytes[taken..];
            if (kept + taken < BlockSize)
            {
                return;
            }

            Process(_state, _partial);
        }

        int whole = bytes.Length / BlockSize * BlockSize;
        Process(_state, bytes[..whole]);
        bytes[whole..].CopyTo(_partial);
    }

    /// <summary>The digest of all that was added; then it starts anew.</summary>
    /// <param name="digest">At least <see cref="Size"/> bytes.</param>
    public void Finish(Span<byte> digest)
    {
        // One bit, zeros, and the length in bits fill up the last block (5.1.1).
        Span<byte> padding = stackalloc byte[2 * BlockSize];
        padding.Clear();
        padding[0] = 0x80;
        int count = BlockSize - (int)((_length + 8) % BlockSize) + 8;
        BinaryPrimitives.WriteInt64BigEndian(padding[(count - 8)..], _length * 8);
        Append(padding[..count]);
        for (int i = 0; i < _state.Length; i++)
        {
            BinaryPrimitives.WriteUInt32BigEndian(digest[(i * 4)..], _state[i]);
        }

        Initial.CopyTo(_state);
        _length = 0;
    }

    /// <summary>As <see cref="Finish"/>, as 64 hexadecimal digits.</summary>
    public string FinishHex()
    {
        Span<byte> digest = stackalloc byte[Size];
        Finish(digest);
        return Convert.ToHexStringLower(digest);
    }

    /// <summary>Whole blocks (6.2.2).</summary>
    private static void Process(Span<uint> state, ReadOnlySpan<byte> blocks)
    {
        Schedule w = default;
        ReadOnlySpan<uint> k = Constants;
        for (; blocks.Length >= BlockSize; blocks = blocks[BlockSize..])
        {
            Fill(ref w, blocks);
            uint a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], f = state[5], g = state[6], h = state[7];
            for (int i = 0; i < 64; i += 8)
            {
                // The letters move on by one from round to round; here their names do instead.
                Round(a, b, c, ref d, e, f, g, ref h, k[i] + w[i]);
                Round(h, a, b, ref c, d, e, f, ref g, k[i + 1] + w[i + 1]);
                Round(g, h, a, ref b, c, d, e, ref f, k[i + 2] + w[i + 2]);
                Round(f, g, h, ref a, b, c, d, ref e, k[i + 3] + w[i + 3]);
                Round(e, f, g, ref h, a, b, c, ref d, k[i + 4] + w[i + 4]);
                Round(d, e, f, ref g, h, a, b, ref c, k[i + 5] + w[i + 5]);
                Round(c, d, e, ref f, g, h, a, ref b, k[i + 6] + w[i + 6]);
                Round(b, c, d, ref e, f, g, h, ref a, k[i + 7] + w[i + 7]);
            }

            state[0] += a;
            state[1] += b;
            state[2] += c;
            state[3] += d;
            state[4] += e;
            state[5] += f;
            state[6] += g;
            state[7] += h;
        }
    }

    private static void Fill(ref Schedule w, ReadOnlySpan<byte> block)
    {
        for (int i = 0; i < 16; i++)
        {
            w[i] = BinaryPrimitives.ReadUInt32BigEndian(block[(i * 4)..]);
        }

        for (int i = 16; i < 64; i++)
        {
            uint near = w[i - 2];
            uint far = w[i - 15];
            uint sigma1 = BitOperations.RotateRight(near, 17) ^ BitOperations.RotateRight(near, 19) ^ (near >> 10);
            uint sigma0 = BitOperations.RotateRight(far, 7) ^ BitOperations.RotateRight(far, 18) ^ (far >> 3);
            w[i] = sigma1 + w[i - 7] + sigma0 + w[i - 16];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Round(uint a, uint b, uint c, ref uint d, uint e, uint f, uint g, ref uint h, uint word)
    {
        h += word + (BitOperations.RotateRight(e, 6) ^ BitOperations.RotateRight(e, 11) ^ BitOperations.RotateRight(e, 25)) + (g ^ (e & (f ^ g)));
        d += h;
        h += (BitOperations.RotateRight(a, 2) ^ BitOperations.RotateRight(a, 13) ^ BitOperations.RotateRight(a, 22)) + ((a & b) | (c & (a | b)));
    }

    [InlineArray(64)]
    private struct Schedule
    {
        private uint _word;
    }
}
