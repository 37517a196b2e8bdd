using Timur.CommandLine;
using Timur.Engine;
using Timur.Kernel;

namespace Timur.Cli;

/// <summary><c>timur volume</c>: directories that outlive containers.</summary>
internal static class VolumeCommand
{
    internal static readonly Option[] CreateOptions =
    [
        Option.List("label", "KEY=VALUE", "label of the volume", 'l'),
        Option.Value("driver", "local", "the one driver there is", 'd'),
        Option.List("opt", "type|device|o=VALUE", "mount this instead of a directory, as mount -t TYPE -o O DEVICE would", 'o'),
    ];

    internal static readonly Option[] RemoveOptions = [Option.Flag("all", "every volume", 'a'), Option.Flag("force", "a missing one is fine", 'f'), Option.Taken("time", "SECONDS") with { Short = 't' }];

    internal static readonly Option[] InspectOptions = [.. InspectCommand.KindOptions, Option.Flag("all", "every volume", 'a')];

    internal static readonly Option[] PruneOptions =
    [
        Option.Flag("all", "also those with a name", 'a'),
        Option.List("filter", "KEY=VALUE", "only these: label=KEY[=VALUE], label!=KEY[=VALUE], until=24h, name=PART"),
        Confirmation.Force,
    ];

    internal static int Create(CommandContext context, Arguments arguments)
    {
        context.RequireRoot();
        string? name = arguments.Operands.Count == 0 ? null : Operands.One(arguments, "volume create", "NAME");
        context.Out(new VolumeCare(context.Paths).Create(name, Pairs(arguments, "label"), Pairs(arguments, "opt"), arguments.Text("driver") ?? "local"));
        return 0;
    }

    internal static int List(CommandContext context, Arguments arguments)
    {
        Operands.None(arguments, "volume ls");
        ListOutput.Print(context, arguments, new VolumeCare(context.Paths).Rows(arguments.Texts("filter")), [("DRIVER", "Driver"), ("VOLUME NAME", "Name")], "Name");
        return 0;
    }

    internal static int Inspect(CommandContext context, Arguments arguments)
    {
        var care = new VolumeCare(context.Paths);
        InspectCommand.Print(context, arguments, [.. Wanted(care, arguments, "volume inspect").Select(care.Inspect)]);
        return 0;
    }

    internal static int Remove(CommandContext context, Arguments arguments)
    {
        context.RequireRoot();
        int code = 0;
        foreach (string name in Wanted(new VolumeCare(context.Paths), arguments, "volume rm"))
        {
            try
            {
                new VolumeCare(context.Paths).Remove(name, arguments.Has("force"));
                context.Out(name);
            }
            catch (Exception e) when (e is Failure or SyscallException)
            {
                int failed = CommandContext.Report(e, context.Debug);
                code = code == 0 ? failed : code;
            }
        }

        return code;
    }

    internal static int Prune(CommandContext context, Arguments arguments)
    {
        context.RequireRoot();
        Operands.None(arguments, "volume prune");
        bool all = arguments.Has("all");
        VolumeCare.CheckFilters(arguments.Texts("filter"));
        if (!Confirmation.Given(arguments, $"This removes every volume {(all ? "" : "without a name of its own ")}that no container has, with its content."))
        {
            return 1;
        }

        PruneOutput.Print(context, new VolumeCare(context.Paths).Prune(all, arguments.Texts("filter")));
        return 0;
    }

    internal static int Export(CommandContext context, Arguments arguments)
    {
        context.RequireRoot();
        string name = Operands.One(arguments, "volume export", "NAME");
        ArchiveOutput.Write(arguments.Text("output"), "volume export", stream => new VolumeCare(context.Paths).Export(name, stream));
        return 0;
    }

    internal static int Import(CommandContext context, Arguments arguments)
    {
        context.RequireRoot();
        (string name, string file) = Operands.Two(arguments, "volume import", "NAME", "FILE|-");
        using Stream archive = ImportCommand.Open(file);
        new VolumeCare(context.Paths).Import(name, archive);
        context.Out(name);
        return 0;
    }

    private static IReadOnlyList<string> Wanted(VolumeCare care, Arguments arguments, string command)
    {
        if (!arguments.Has("all"))
        {
            return Operands.AtLeastOne(arguments, command, "NAME");
        }

        Operands.None(arguments, $"{command} --all");
        return [.. care.Rows([]).Select(row => row.TryGet("Name", out object? name) ? (string)name! : "")];
    }

    private static Dictionary<string, string> Pairs(Arguments arguments, string option)
    {
        var pairs = new Dictionary<string, string>();
        foreach (string text in arguments.Texts(option))
        {
            int equals = text.IndexOf('=');
            pairs[equals < 0 ? text : text[..equals]] = equals < 0 ? "" : text[(equals + 1)..];
        }

        return pairs;
    }
}
