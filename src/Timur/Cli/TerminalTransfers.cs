using System.Diagnostics;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Spectre.Console;
using Spectre.Console.Rendering;
using Timur.Images;
using Timur.Kernel;

namespace Timur.Cli;

/// <summary>
/// Progress on a terminal: a bar for each layer with what has come, how fast, and how long it still takes. The cursor stays as it is, so that a command which is
/// interrupted leaves the terminal in order.
/// </summary>
internal sealed class TerminalTransfers : ITransferProgress, IDisposable
{
    /// <summary>Of a bar, in characters; in a narrow terminal it is shorter, or gives way to what is said beside it.</summary>
    private const int Width = 24;
    private const int Narrowest = 4;
    private const int Gap = 2;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    private readonly IAnsiConsole _console;
    private readonly Lock _lock = new();
    private readonly List<Transfer> _transfers = [];
    private readonly ManualResetEventSlim _done = new();
    private Thread? _thread;
    private int _lines;

    internal TerminalTransfers(TerminalSize size) => _console = AnsiConsole.Create(new AnsiConsoleSettings
    {
        Ansi = AnsiSupport.Yes,
        ColorSystem = Environment.GetEnvironmentVariable("NO_COLOR") is { Length: > 0 } ? ColorSystemSupport.NoColors : ColorSystemSupport.Standard,
        Interactive = InteractionSupport.No,
        Out = new ErrorOutput(size),
    });

    public void Begin(string layer, long size)
    {
        lock (_lock)
        {
            _transfers.Add(new Transfer(layer, size));
            _thread ??= StartDrawing();
        }
    }

    public void Advance(string layer, long bytes)
    {
        lock (_lock)
        {
            if (Find(layer) is { } transfer)
            {
                transfer.Bytes += bytes;
            }
        }
    }

    public void End(string layer, string how)
    {
        lock (_lock)
        {
            if (Find(layer) is { } transfer)
            {
                transfer.Finish(how);
            }
        }
    }

    public void Say(string line)
    {
        Dispose();
        CommandContext.Note(line);
        lock (_lock)
        {
            // What comes after is drawn below.
            _transfers.Clear();
            _lines = 0;
            _thread = null;
            _done.Reset();
        }
    }

    /// <summary>Leaves the last picture standing.</summary>
    public void Dispose()
    {
        _done.Set();
        _thread?.Join();
    }

    private Transfer? Find(string layer) => _transfers.FindLast(transfer => transfer.Layer == layer);

    private Thread StartDrawing()
    {
        var thread = new Thread(() =>
        {
            do
            {
                Draw();
            }
            while (!_done.Wait(Pause));
            Draw();
        }) { IsBackground = true };
        thread.Start();
        return thread;
    }

    /// <summary>Over the last picture.</summary>
    private void Draw()
    {
        Grid picture = Picture();
        if (_lines > 0)
        {
            _console.Profile.Out.Writer.Write($"\r\e[{_lines}A\e[J");
        }

        _console.Write(picture);
        _lines = Segment.SplitLines(picture.GetSegments(_console)).Count;
    }

    private Grid Picture()
    {
        lock (_lock)
        {
            (Transfer Transfer, string Text)[] shown = [.. Shown().Select(transfer => (transfer, transfer.Describe()))];
            int taken = shown.Select(one => one.Transfer.Layer.Length + one.Text.Length + (2 * Gap)).DefaultIfEmpty().Max();
            int width = Math.Min(_console.Profile.Width - taken, Width);
            var grid = new Grid();
            for (int column = width < Narrowest ? 1 : 0; column < 3; column++)
            {
                grid.AddColumn(new GridColumn().NoWrap());
            }

            foreach ((Transfer transfer, string text) in shown)
            {
                var name = new Text(transfer.Layer);
                _ = width < Narrowest ? grid.AddRow(name, new Text(Cut(text, _console.Profile.Width - transfer.Layer.Length - (2 * Gap)))) : grid.AddRow(name, Bar(transfer, width), new Text(text));
            }

            return grid;
        }
    }

    private static string Cut(string text, int room) => text.Length <= room ? text : room < 1 ? "" : text[..(room - 1)] + "…";

    private static Markup Bar(Transfer transfer, int width)
    {
        int full = transfer.Size == 0 || transfer.How is not null ? width : (int)(width * Math.Min(transfer.Bytes, transfer.Size) / transfer.Size);
        return new Markup($"[{(transfer.How is null ? "blue" : "green")}]{new string('━', full)}[/][grey]{new string('─', width - full)}[/]");
    }

    /// <summary>As many as the terminal has room for; those that are done give way.</summary>
    private IEnumerable<Transfer> Shown()
    {
        int room = _console.Profile.Height - 2;
        return _transfers.Count <= room ? _transfers : _transfers.OrderBy(transfer => transfer.How is not null).Take(room);
    }

    private sealed class Transfer(string layer, long size)
    {
        private readonly Stopwatch _clock = Stopwatch.StartNew();

        internal string Layer => layer;

        internal long Size => size;

        internal long Bytes { get; set; }

        internal string? How { get; private set; }

        internal void Finish(string how)
        {
            How = how;
            _clock.Stop();
        }

        internal string Describe()
        {
            string whole = new ByteSize(size).ToDecimalString();
            if (How is not null)
            {
                return $"{whole}  {How}";
            }

            double speed = Bytes / Math.Max(_clock.Elapsed.TotalSeconds, 0.001);
            string left = speed < 1 ? "" : $"  {Math.Max(0, (size - Bytes) / speed):0} s left";
            return $"{new ByteSize(Bytes).ToDecimalString()} of {whole}  {new ByteSize((long)speed).ToDecimalString()}/s{left}";
        }
    }

    /// <summary>Standard error without the runtime's Console, which would set up the terminal for itself.</summary>
    private sealed class ErrorOutput(TerminalSize size) : IAnsiConsoleOutput
    {
        public TextWriter Writer { get; } = new StreamWriter(new FileStream(new SafeFileHandle(2, ownsHandle: false), FileAccess.Write, 1), new UTF8Encoding(false)) { AutoFlush = true };

        public bool IsTerminal => true;

        public int Width => size.Columns == 0 ? 80 : size.Columns;

        public int Height => size.Rows == 0 ? 24 : Math.Max((int)size.Rows, 5);

        public void SetEncoding(Encoding encoding)
        {
        }
    }
}
