using Spectre.Console;

namespace Timur.Bench;

/// <summary>
/// What the person sees meanwhile, on standard error: bars and the time that is left on a terminal, a line for each load elsewhere. It is drawn between
/// runs only, so that it takes no time away from what is measured.
/// </summary>
internal abstract class Display
{
    internal static Display Make()
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error), Interactive = InteractionSupport.No });
        return console.Profile.Out.IsTerminal && console.Profile.Capabilities.Ansi ? new Bars(console) : new Lines();
    }

    /// <summary>Something that happened.</summary>
    internal abstract void Say(string line);

    /// <summary>Shows how far it is while the action measures.</summary>
    internal virtual void During(Action measure) => measure();

    /// <summary>The measuring begins.</summary>
    internal abstract void Begin(IEnumerable<(string Load, int Rounds)> loads, string candidates, TimeSpan left);

    /// <summary>A round of a load is done.</summary>
    internal abstract void Advance(string load, int round, TimeSpan left);

    protected static string Short(TimeSpan time) => time.TotalSeconds < 90 ? $"{Math.Max(time.TotalSeconds, 1):0} s" : time.TotalMinutes < 90 ? $"{time.TotalMinutes:0} min" : $"{time.TotalHours:0.0} h";

    /// <summary>For logs and pipes.</summary>
    private sealed class Lines : Display
    {
        private Dictionary<string, int> _rounds = [];

        internal override void Say(string line) => Console.Error.WriteLine($"timur bench: {line}");

        internal override void Begin(IEnumerable<(string Load, int Rounds)> loads, string candidates, TimeSpan left)
        {
            _rounds = loads.ToDictionary(load => load.Load, load => load.Rounds);
            Say($"measuring {candidates}; about {Short(left)}");
        }

        internal override void Advance(string load, int round, TimeSpan left)
        {
            if (round == _rounds[load])
            {
                Say($"{load}: {round} rounds done, about {Short(left)} left");
            }
        }
    }

    /// <summary>For people at a terminal.</summary>
    private sealed class Bars(IAnsiConsole console) : Display
    {
        private const int Width = 30;

        private readonly List<(string Load, int Rounds)> _loads = [];
        private readonly Dictionary<string, int> _done = [];
        private LiveDisplayContext? _live;
        private string _title = "";

        internal override void Say(string line) => console.MarkupLineInterpolated($"[grey]timur bench:[/] {line}");

        internal override void During(Action measure)
            => console.Live(new Text("")).AutoClear(true).Start(live =>
            {
                _live = live;
                measure();
            });

        internal override void Begin(IEnumerable<(string Load, int Rounds)> loads, string candidates, TimeSpan left)
        {
            _loads.AddRange(loads);
            _title = candidates;
            Draw(left);
        }

        internal override void Advance(string load, int round, TimeSpan left)
        {
            _done[load] = round;
            Draw(left);
        }

        private void Draw(TimeSpan left)
        {
            Grid grid = new Grid().AddColumn().AddColumn().AddColumn();
            foreach ((string load, int rounds) in _loads)
            {
                int done = _done.GetValueOrDefault(load);
                int filled = Width * done / rounds;
                grid.AddRow($"  {load}", $"[green]{new string('━', filled)}[/][grey]{new string('─', Width - filled)}[/]", $"{done} of {rounds}");
            }

            var head = Markup.FromInterpolated($"[bold]{_title}[/] [grey]· about {Short(left)} left · Ctrl-C keeps what was measured[/]");
            _live!.UpdateTarget(new Rows(head, grid));
        }
    }
}
