using System.Diagnostics;
using System.Text;
using Timur.Build;
using Timur.Kernel;

namespace Timur.Cli;

/// <summary>
/// A build on a terminal: steps that are done stay as lines, below them those that run, each with its time and the last it wrote. The cursor stays as it is, so
/// that an interrupted build leaves the terminal in order.
/// </summary>
internal sealed class TerminalBuild : IBuildProgress, IDisposable
{
    private const int OutputLines = 6;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(80);

    private readonly TerminalSize _size;
    private readonly Action _stepAside;
    private readonly bool _hasColour = Environment.GetEnvironmentVariable("NO_COLOR") is not { Length: > 0 };
    private readonly Lock _lock = new();
    private readonly List<Running> _running = [];
    private readonly List<string> _finished = [];
    private readonly ManualResetEventSlim _done = new();
    private readonly Thread _thread;
    private int _lines;
    private bool _aside;

    /// <param name="stepAside">Called when somebody else gets the terminal.</param>
    internal TerminalBuild(TerminalSize size, Action stepAside)
    {
        _stepAside = stepAside;
        _size = size.Columns == 0 ? new TerminalSize(24, 80) : size;
        _thread = new Thread(Draw) { IsBackground = true };
        _thread.Start();
    }

    public void Begin(StepTitle step)
    {
        lock (_lock)
        {
            _running.Add(new Running(step));
        }
    }

    public void Work(StepTitle step)
    {
    }

    public void Output(StepTitle step, ReadOnlySpan<byte> bytes)
    {
        lock (_lock)
        {
            Running running = _running.First(one => one.Step == step);
            running.Tail.AddRange(running.Buffer.Add(bytes));
            running.Tail.RemoveRange(0, Math.Max(0, running.Tail.Count - OutputLines));
        }
    }

    public void End(StepTitle step, StepEnd how, TimeSpan time)
    {
        lock (_lock)
        {
            _running.RemoveAll(one => one.Step == step);
            (string colour, string end) = how switch
            {
                StepEnd.Cached => ("36", "CACHED"),
                StepEnd.Failed => ("31", $"FAILED {PlainBuild.Seconds(time)}"),
                _ => ("32", PlainBuild.Seconds(time)),
            };
            _finished.Add(Line(step.ToString(), step.Text, end, colour));
        }
    }

    public void Say(string line)
    {
        lock (_lock)
        {
            _finished.AddRange(line.Split('\n'));
        }

        if (_aside)
        {
            Picture();
        }
    }

    public void StepAside()
    {
        Dispose();
        _stepAside();
    }

    /// <summary>Leaves what was done standing.</summary>
    public void Dispose()
    {
        _done.Set();
        _thread.Join();
        _aside = true;
    }

    private void Draw()
    {
        do
        {
            Picture();
        }
        while (!_done.Wait(Pause));
        lock (_lock)
        {
            _running.Clear();
        }

        Picture();
    }

    /// <summary>Over the last picture: what was finished since, then what runs. The terminal may have echoed a ^C behind it: the line begins anew.</summary>
    private void Picture()
    {
        var text = new StringBuilder(_lines > 0 ? $"\r\e[{_lines}A\e[J" : "");
        lock (_lock)
        {
            foreach (string line in _finished)
            {
                text.Append(line).Append('\n');
            }

            _finished.Clear();
            _lines = 0;
            foreach (Running running in _running.Take(Math.Max(1, (_size.Rows - 2) / (OutputLines + 1))))
            {
                text.Append(Line(running.Step.ToString(), running.Step.Text, PlainBuild.Seconds(running.Clock.Elapsed), "33")).Append('\n');
                _lines++;
                foreach (string line in running.Tail)
                {
                    text.Append(Coloured("2", Cut("  " + OutputTail.Clean(line), _size.Columns - 1))).Append('\n');
                    _lines++;
                }
            }
        }

        Files.TryWrite(Descriptors.Standard(2), Encoding.UTF8.GetBytes(text.ToString()), out _);
    }

    private string Line(string title, string text, string end, string colour)
    {
        int room = _size.Columns - title.Length - end.Length - 3;
        string cut = Cut(OutputTail.Clean(text), room);
        return $"{Coloured("1", title)} {cut}{new string(' ', Math.Max(1, room - cut.Length + 1))}{Coloured(colour, end)}";
    }

    private static string Cut(string text, int width) => text.Length <= width ? text : width > 1 ? text[..(width - 1)] + "…" : "";

    private string Coloured(string code, string text) => _hasColour ? $"\e[{code}m{text}\e[0m" : text;

    private sealed class Running(StepTitle step)
    {
        internal StepTitle Step => step;

        internal Stopwatch Clock { get; } = Stopwatch.StartNew();

        internal LineBuffer Buffer { get; } = new();

        internal List<string> Tail { get; } = [];
    }
}
