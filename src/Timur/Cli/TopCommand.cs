using System.Text;
using Timur.CommandLine;
using Timur.Engine;
using Timur.Kernel;

namespace Timur.Cli;

/// <summary><c>timur top</c>: the processes of a container.</summary>
internal static class TopCommand
{
    internal static int Run(CommandContext context, Arguments arguments)
    {
        var store = new ContainerStore(context.Paths);
        Container container = store.Find(Operands.One(arguments, "top", "CONTAINER"));
        if (!container.State.IsAlive)
        {
            throw new Failure($"container {container.Name} is not running", $"start it first: timur start {container.Name}");
        }

        context.Out($"{"PID",-8}{"PPID",-8}{"UID",-7}{"STATE",-7}{"RSS",-10}{"TIME",-10}COMMAND");
        foreach (int pid in ContainerCgroup.Of(context.Paths, container).Pids())
        {
            if (Line(pid) is { } line)
            {
                context.Out(line);
            }
        }

        return 0;
    }

    /// <summary>From /proc/PID/status and cmdline (proc(5)); null when the process has ended meanwhile.</summary>
    private static string? Line(int pid)
    {
        if (Files.TryReadText($"/proc/{pid}/status", out _) is not { } status || Files.TryReadText($"/proc/{pid}/stat", out _) is not { } stat)
        {
            return null;
        }

        string Field(string name)
        {
            int at = status.IndexOf("\n" + name + ":", StringComparison.Ordinal);
            return at < 0 ? "0" : status[(at + name.Length + 2)..].TrimStart().Split(['\t', ' ', '\n'])[0];
        }

        string[] numbers = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        const double ticks = 100;
        TimeSpan time = TimeSpan.FromSeconds((long.Parse(numbers[11]) + long.Parse(numbers[12])) / ticks);
        string command = Encoding.UTF8.GetString(Files.TryReadAll($"/proc/{pid}/cmdline", out _) ?? []).Replace('\0', ' ').Trim();
        string rss = new ByteSize(long.Parse(Field("VmRSS")) * 1024).ToString();
        return $"{pid,-8}{Field("PPid"),-8}{Field("Uid"),-7}{Field("State"),-7}{rss,-10}{time:hh\\:mm\\:ss}  {(command.Length > 0 ? command : $"[{Field("Name")}]")}";
    }
}
