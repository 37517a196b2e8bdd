using System.Security.Cryptography;

namespace Timur.Digests;

/// <summary>Digests a long stream with the algorithm of the digest that is expected of it.</summary>
public sealed class DigestStream : IDisposable
{
    private readonly StreamSha256? _sha256;
    private readonly IncrementalHash? _sha512;

    /// <summary>sha512 needs the machine's OpenSSL; without it a <see cref="Failure"/>.</summary>
    public DigestStream(Digest expected)
    {
        if (expected.Algorithm == "sha256")
        {
            _sha256 = new StreamSha256();
            return;
        }

        if (!StreamSha256.HasOpenSsl)
        {
            throw new Failure("a sha512 digest can't be checked: this machine has no OpenSSL library", "install it: apt-get install libssl3");
        }

        _sha512 = IncrementalHash.CreateHash(HashAlgorithmName.SHA512);
    }

    public void Append(ReadOnlySpan<byte> bytes)
    {
        _sha256?.Append(bytes);
        _sha512?.AppendData(bytes);
    }

    /// <summary>The digest of all that was added.</summary>
    public Digest Finish() => _sha256 is not null
        ? Digest.FromSha256(_sha256.FinishHex())
        : Digest.Parse("sha512:" + Convert.ToHexStringLower(_sha512!.GetHashAndReset()), "sha512");

    public void Dispose()
    {
        _sha256?.Dispose();
        _sha512?.Dispose();
    }
}
