using Timur.Images.Compression;

namespace Timur.Images;

/// <summary>Writes what is read to a second place.</summary>
internal sealed class TeeStream(Stream inner, Stream copy) : ForwardStream
{
    public override int Read(Span<byte> buffer)
    {
        int count = inner.Read(buffer);
        copy.Write(buffer[..count]);
        return count;
    }
}
