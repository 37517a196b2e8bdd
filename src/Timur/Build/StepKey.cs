using System.Buffers.Binary;
using System.Text;
using Timur.Digests;

namespace Timur.Build;

/// <summary>The key of a step: a digest of everything that its result depends on. No two different lists of parts give the same bytes.</summary>
internal sealed class StepKey
{
    /// <summary>Changes when the same step would come to something else than before.</summary>
    private const string Version = "timur step 1";

    private readonly Sha256 _digest = new();

    internal StepKey(string kind, IEnumerable<string> below)
    {
        Add(Version).Add(kind);
        Add([.. below]);
    }

    internal StepKey Add(ReadOnlySpan<byte> part)
    {
        Span<byte> length = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, part.Length);
        _digest.Append(length);
        _digest.Append(part);
        return this;
    }

    internal StepKey Add(string? part) => Add(part is null ? "\0null"u8 : Encoding.UTF8.GetBytes(part));

    internal StepKey Add(IReadOnlyCollection<string> parts)
    {
        Add(parts.Count.ToString());
        foreach (string part in parts)
        {
            Add(part);
        }

        return this;
    }

    /// <summary>64 hexadecimal digits.</summary>
    internal string Finish() => _digest.FinishHex();
}
