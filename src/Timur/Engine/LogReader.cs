using System.Text.Json;
using Timur.Kernel;

namespace Timur.Engine;

/// <summary>One piece of a container's output.</summary>
/// <param name="Text">With its line end, when it had one.</param>
public sealed record LogEntry(DateTimeOffset Time, bool IsError, string Text);

/// <summary>Reads a container's log with its rotated files, and goes on reading while it grows.</summary>
public sealed class LogReader(string path)
{
    private readonly List<byte> _rest = [];
    private Fd? _fd;
    private ulong _inode;

    /// <summary>Everything that is there now, oldest first.</summary>
    public IEnumerable<LogEntry> ReadAll()
    {
        int oldest = 0;
        while (Files.Exists($"{path}.{oldest + 1}"))
        {
            oldest++;
        }

        for (int i = oldest; i > 0; i--)
        {
            foreach (LogEntry entry in Parse(Files.TryReadAll($"{path}.{i}", out _) ?? []))
            {
                yield return entry;
            }
        }

        foreach (LogEntry entry in ReadMore())
        {
            yield return entry;
        }
    }

    /// <summary>What was added since the last call; a rotated file is read to its end first.</summary>
    public IEnumerable<LogEntry> ReadMore()
    {
        _fd ??= Reopen();
        if (_fd is null)
        {
            yield break;
        }

        foreach (LogEntry entry in Parse(Files.TryReadAll(_fd, out _) ?? []))
        {
            yield return entry;
        }

        if (Files.TryStatus(path, out _) is { } now && now.Inode != _inode)
        {
            _fd.Dispose();
            _fd = Reopen();
            foreach (LogEntry entry in Parse(_fd is null ? [] : Files.TryReadAll(_fd, out _) ?? []))
            {
                yield return entry;
            }
        }
    }

    private Fd? Reopen()
    {
        Fd? fd = Files.TryOpen(path, Open.Read, out _);
        _inode = fd is null ? 0 : Files.Status(fd).Inode;
        return fd;
    }

    /// <summary>Whole lines; what is unfinished waits for the next call.</summary>
    private List<LogEntry> Parse(byte[] bytes)
    {
        _rest.AddRange(bytes);
        var entries = new List<LogEntry>();
        byte[] all = [.. _rest];
        int start = 0;
        int end;
        while ((end = Array.IndexOf(all, (byte)'\n', start)) >= 0)
        {
            if (TryParse(all.AsMemory(start, end - start)) is { } entry)
            {
                entries.Add(entry);
            }

            start = end + 1;
        }

        _rest.Clear();
        _rest.AddRange(all.AsSpan(start));
        return entries;
    }

    /// <summary>A damaged line (the disk was full) is left out.</summary>
    private static LogEntry? TryParse(ReadOnlyMemory<byte> line)
    {
        try
        {
            using JsonDocument json = JsonDocument.Parse(line);
            JsonElement root = json.RootElement;
            return new LogEntry(root.GetProperty("time").GetDateTimeOffset(), root.GetProperty("stream").GetString() == "stderr", root.GetProperty("log").GetString() ?? "");
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or FormatException or InvalidOperationException)
        {
            return null;
        }
    }
}
