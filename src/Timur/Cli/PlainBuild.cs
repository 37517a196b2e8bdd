using System.Text;
using Timur.Build;

namespace Timur.Cli;

/// <summary>A build as lines on standard error, or in a file: each step when it begins, what it writes, how it ended.</summary>
internal sealed class PlainBuild(Action stepAside, LogFile? log = null) : IBuildProgress, IDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<StepTitle, LineBuffer> _working = [];

    public void Begin(StepTitle step)
    {
    }

    public void Work(StepTitle step)
    {
        lock (_lock)
        {
            _working[step] = new LineBuffer();
            Line($"{step} {step.Text}");
        }
    }

    public void Output(StepTitle step, ReadOnlySpan<byte> bytes)
    {
        lock (_lock)
        {
            foreach (string line in _working[step].Add(bytes))
            {
                Line($"{step} {line}");
            }
        }
    }

    public void End(StepTitle step, StepEnd how, TimeSpan time)
    {
        lock (_lock)
        {
            bool worked = _working.Remove(step, out LineBuffer? rest);
            foreach (string line in rest?.Finish() ?? [])
            {
                Line($"{step} {line}");
            }

            string end = how switch { StepEnd.Cached => "CACHED", StepEnd.Failed => $"FAILED after {Seconds(time)}", _ => $"done in {Seconds(time)}" };
            Line(worked ? $"{step} {end}" : how == StepEnd.Done ? $"{step} {step.Text}" : $"{step} {step.Text}: {end}");
        }
    }

    public void Say(string line) => Line(line);

    public void Dispose() => log?.Dispose();

    public void StepAside() => stepAside();

    private void Line(string line)
    {
        if (log is null || !log.TryWrite(line))
        {
            CommandContext.Note(line);
        }
    }

    internal static string Seconds(TimeSpan time) => time.TotalSeconds < 60 ? $"{time.TotalSeconds:0.0} s" : $"{(int)time.TotalMinutes} min {time.Seconds} s";
}

/// <summary>Nothing but what has to be said.</summary>
internal sealed class QuietBuild(Action stepAside) : IBuildProgress
{
    public void Begin(StepTitle step)
    {
    }

    public void Work(StepTitle step)
    {
    }

    public void Output(StepTitle step, ReadOnlySpan<byte> bytes)
    {
    }

    public void End(StepTitle step, StepEnd how, TimeSpan time)
    {
    }

    public void Say(string line) => CommandContext.Note(line);

    public void StepAside() => stepAside();
}

/// <summary>Bytes as they come to whole lines; what a line wrote over itself is left out.</summary>
internal sealed class LineBuffer
{
    private const int LongestLine = 64 * 1024;

    private readonly List<byte> _rest = [];

    internal IEnumerable<string> Add(ReadOnlySpan<byte> bytes)
    {
        var lines = new List<string>();
        foreach (byte one in bytes)
        {
            if (one == (byte)'\n' || _rest.Count == LongestLine)
            {
                lines.AddRange(Finish(always: true));
            }

            if (one != (byte)'\n')
            {
                _rest.Add(one);
            }
        }

        return lines;
    }

    internal IEnumerable<string> Finish() => Finish(always: false);

    private List<string> Finish(bool always)
    {
        if (_rest.Count == 0 && !always)
        {
            return [];
        }

        string line = Encoding.UTF8.GetString([.. _rest]).TrimEnd('\r');
        _rest.Clear();
        return [line[(line.LastIndexOf('\r') + 1)..]];
    }
}
