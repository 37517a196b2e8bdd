using System.Buffers.Text;
using Timur.Kernel;

namespace Timur.Engine.Monitoring;

/// <summary>
/// The container's log, a JSON object in each line as Docker's json-file driver has it: <c>{"log":"text\n","stream":"stdout","time":"..."}</c>. Rotates
/// by size. The file is made for the first line. When the disk is full, lines are lost and the container goes on.
/// </summary>
internal sealed class LogWriter(string path, long maximumSize, int maximumFiles) : IDisposable
{
    private readonly NativeBuffer _buffer = new(64 * 1024);
    private Fd? _fd;
    private long _size = Files.TryStatus(path, out _) is { } status ? (long)status.Size : 0;

    private Span<byte> Line => _buffer.Span;

    /// <summary>Appends bytes of a stream; a piece without a line end is an object of its own.</summary>
    internal void Write(string stream, ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            int end = bytes.IndexOf((byte)'\n');
            int length = end < 0 ? bytes.Length : end + 1;

            // A control character takes six bytes.
            length = Math.Min(length, (Line.Length - 128) / 6);
            WriteLine(stream, bytes[..length]);
            bytes = bytes[length..];
        }
    }

    private void WriteLine(string stream, ReadOnlySpan<byte> text)
    {
        int at = Append(0, "{\"log\":\""u8);
        foreach (byte value in text)
        {
            at = AppendEscaped(at, value);
        }

        at = Append(at, stream == "stdout" ? "\",\"stream\":\"stdout\",\"time\":\""u8 : "\",\"stream\":\"stderr\",\"time\":\""u8);
        Utf8Formatter.TryFormat(DateTime.UtcNow, Line.Slice(at), out int written, 'O');
        at = Append(at + written, "\"}\n"u8);
        if (maximumSize > 0 && _size + at > maximumSize && _size > 0)
        {
            Rotate();
        }

        _fd ??= Open();
        if (_fd is not null && Files.TryWrite(_fd, Line.Slice(0, at), out _))
        {
            _size += at;
        }
    }

    private int Append(int at, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Line.Slice(at));
        return at + bytes.Length;
    }

    /// <summary>Bytes above 0x7f pass as they are: UTF-8 stays UTF-8.</summary>
    private int AppendEscaped(int at, byte value)
    {
        switch (value)
        {
            case (byte)'"': return Append(at, "\\\""u8);
            case (byte)'\\': return Append(at, "\\\\"u8);
            case (byte)'\n': return Append(at, "\\n"u8);
            case (byte)'\r': return Append(at, "\\r"u8);
            case (byte)'\t': return Append(at, "\\t"u8);
            case < 0x20 or 0x7f:
                at = Append(at, "\\u00"u8);
                Line[at++] = (byte)"0123456789abcdef"[value >> 4];
                Line[at++] = (byte)"0123456789abcdef"[value & 15];
                return at;
            default:
                Line[at] = value;
                return at + 1;
        }
    }

    /// <summary>log.1 is the newest of the older ones.</summary>
    private void Rotate()
    {
        for (int i = maximumFiles - 1; i > 1; i--)
        {
            Files.TryRename($"{path}.{i - 1}", $"{path}.{i}", out _);
        }

        if (maximumFiles > 1)
        {
            Files.TryRename(path, $"{path}.1", out _);
        }
        else
        {
            Files.TryUnlink(path, out _);
        }

        _fd?.Dispose();
        _fd = null;
        _size = 0;
    }

    private Fd? Open() => Files.TryOpen(path, Kernel.Open.Write | Kernel.Open.Create | Kernel.Open.Append, out _, 0x180);

    public void Dispose()
    {
        _fd?.Dispose();
        _buffer.Dispose();
    }
}
