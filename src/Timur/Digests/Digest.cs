namespace Timur.Digests;

/// <summary>A content address such as <c>sha256:9834…</c> (OCI image-spec descriptor.md, "Digests"); sha256 and sha512 are known.</summary>
public readonly record struct Digest
{
    private Digest(string algorithm, string hex) => (Algorithm, Hex) = (algorithm, hex);

    /// <summary><c>sha256</c> or <c>sha512</c>.</summary>
    public string Algorithm { get; }

    /// <summary>Lower-case digits, 64 or 128.</summary>
    public string Hex { get; }

    /// <summary>As a name in a directory.</summary>
    public string FileName => $"{Algorithm}-{Hex}";

    /// <summary>Twelve digits for people.</summary>
    public string Short => Hex[..12];

    public static bool TryParse(string text, out Digest digest)
    {
        int colon = text.IndexOf(':');
        string algorithm = colon < 0 ? "" : text[..colon];
        string hex = text[(colon + 1)..];
        int length = algorithm switch { "sha256" => 64, "sha512" => 128, _ => -1 };
        bool valid = hex.Length == length && hex.AsSpan().IndexOfAnyExcept("0123456789abcdef") < 0;
        digest = valid ? new Digest(algorithm, hex) : default;
        return valid;
    }

    /// <summary>From <see cref="FileName"/>.</summary>
    public static bool TryParseFileName(string name, out Digest digest) => TryParse(name.Replace('-', ':'), out digest);

    /// <param name="where">What it was read from, for the <see cref="Failure"/> of one that is malformed or of an unknown algorithm.</param>
    public static Digest Parse(string text, string where)
        => TryParse(text, out Digest digest) ? digest : throw new Failure($"{where}: '{text}' isn't a digest", "digests look like sha256: and 64 hexadecimal digits, or sha512: and 128");

    /// <summary>The sha256 digest of some bytes.</summary>
    public static Digest Of(ReadOnlySpan<byte> bytes) => FromSha256(Sha256.Hex(bytes));

    /// <param name="hex">64 digits.</param>
    public static Digest FromSha256(string hex) => new("sha256", hex);

    /// <summary>Whether the bytes have this digest.</summary>
    public bool Matches(ReadOnlySpan<byte> bytes)
    {
        using var stream = new DigestStream(this);
        stream.Append(bytes);
        return stream.Finish() == this;
    }

    public override string ToString() => $"{Algorithm}:{Hex}";
}
