namespace Timur.Images.Registry;

/// <summary>A part of a blob as the body of a request; tells how it gets on.</summary>
internal sealed class UploadContent : StreamContent
{
    private readonly Pulse _pulse;

    private UploadContent(Stream stream, Pulse pulse)
        : base(stream, 128 * 1024) => _pulse = pulse;

    /// <summary>Called whenever more of it has gone.</summary>
    internal Action Beat { set => _pulse.Beat = value; }

    /// <param name="stream">Closed with the content.</param>
    internal static UploadContent Of(Stream stream, long count, Action<long> advanced)
    {
        var pulse = new Pulse();
        var counted = new CountedStream(stream, count, bytes =>
        {
            advanced(bytes);
            pulse.Beat();
        });
        return new UploadContent(counted, pulse) { Headers = { ContentLength = count, ContentType = new("application/octet-stream") } };
    }

    private sealed class Pulse
    {
        internal Action Beat { get; set; } = () => { };
    }
}
