using System.Text;
using System.Text.Json;
using Timur.Kernel;

namespace Timur.Runtime.Containers;

/// <summary>
/// What an engine reads of us: lines in the file of <c>--log</c>, as text or JSON (<c>{"level":"error","msg":"...","time":"..."}</c>), or on standard
/// error when there is no file.
/// </summary>
public sealed class RuntimeLog(string? path, bool json, bool debug)
{
    /// <summary>Lines go to a file; the person at the terminal sees nothing of them.</summary>
    public bool IsFile => path is not null;

    /// <summary>Details are wanted: what is only for them needs not be found out otherwise.</summary>
    public bool IsDebug => debug;

    /// <summary>Whether lines can be written; a file that isn't there is made.</summary>
    public bool TryOpen(out Errno why)
    {
        why = default;
        using Fd? file = path is null ? null : Files.TryOpen(path, Open.Write | Open.Create | Open.Append, out why);
        return path is null || file is not null;
    }

    public void Debug(string message)
    {
        if (debug)
        {
            Write("debug", message);
        }
    }

    public void Warn(string message) => Write("warning", message);

    public void Warn(IReadOnlyList<string> messages)
    {
        foreach (string message in messages)
        {
            Warn(message);
        }
    }

    public void Error(string message) => Write("error", message);

    private void Write(string level, string message)
    {
        byte[] line = json ? AsJson(level, message) : Encoding.UTF8.GetBytes($"time=\"{Now()}\" level={level} msg=\"{Quote(message)}\"\n");
        if (path is null)
        {
            Files.TryWrite(Descriptors.Standard(2), line, out _);
            return;
        }

        // What became of it meanwhile is no reason to give up on a container.
        using Fd? file = Files.TryOpen(path, Open.Write | Open.Create | Open.Append, out _);
        if (file is not null)
        {
            Files.TryWrite(file, line, out _);
        }
    }

    private static byte[] AsJson(string level, string message)
    {
        using var stream = new MemoryStream(256);
        using (var writer = new Utf8JsonWriter(stream, PlainJsonEncoder.Options))
        {
            writer.WriteStartObject();
            writer.WriteString("level", level);
            writer.WriteString("msg", message);
            writer.WriteString("time", Now());
            writer.WriteEndObject();
        }

        stream.WriteByte((byte)'\n');
        return stream.ToArray();
    }

    private static string Now() => DateTimeOffset.UtcNow.ToString("yyyy-MM-ddTHH:mm:ssZ");

    private static string Quote(string message) => message.Replace("\\", "\\\\").Replace("\"", "\\\"").Replace("\n", "\\n");
}
