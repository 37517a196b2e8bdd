using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Timur.Digests;

/// <summary>
/// SHA-256 of long streams: by OpenSSL where the machine has it (six times as fast where the processor has instructions for it), otherwise by
/// <see cref="Sha256"/>. .NET ends the process when it wants OpenSSL and finds none, so it is looked for first.
/// </summary>
public sealed class StreamSha256 : IDisposable
{
    private readonly IncrementalHash? _fast = HasOpenSsl ? IncrementalHash.CreateHash(HashAlgorithmName.SHA256) : null;
    private readonly Sha256 _own = new();

    /// <summary>This machine has an OpenSSL that .NET can use.</summary>
    public static bool HasOpenSsl => NativeLibrary.TryLoad("libssl.so.3", out _) || NativeLibrary.TryLoad("libssl.so.1.1", out _);

    public void Append(ReadOnlySpan<byte> bytes)
    {
        if (_fast is not null)
        {
            _fast.AppendData(bytes);
            return;
        }

        _own.Append(bytes);
    }

    /// <summary>The digest of all that was added, as 64 hexadecimal digits; then it starts anew.</summary>
    public string FinishHex() => _fast is null ? _own.FinishHex() : Convert.ToHexStringLower(_fast.GetHashAndReset());

    public void Dispose() => _fast?.Dispose();
}
