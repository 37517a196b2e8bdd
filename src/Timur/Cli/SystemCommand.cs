using Timur.Bench;
using Timur.CommandLine;
using Timur.Engine;

namespace Timur.Cli;

/// <summary><c>timur init</c>, <c>clear</c> and <c>system check</c>: care for this machine.</summary>
internal static class SystemCommand
{
    internal static readonly Option[] CheckOptions =
    [
        Option.Flag("repair", "put right what was found"),
        Option.Flag("digests", "read every byte of images and compare it with their digests"),
        Option.Flag("deep", "the same"),
    ];

    internal static readonly Option[] ClearOptions =
    [
        Option.Flag("all", "images, volumes and named disks too", 'a'),
        Confirmation.Force,
    ];

    internal static int Initialise(CommandContext context, Arguments arguments)
    {
        context.RequireRoot();
        Operands.None(arguments, "init");
        foreach (string line in new HostCare(context.Paths).Initialise())
        {
            context.Out(line);
        }

        return 0;
    }

    internal static int Clear(CommandContext context, Arguments arguments)
    {
        context.RequireRoot();
        Operands.None(arguments, "clear");
        if (!Confirmation.Given(arguments, $"This removes every container of {context.Paths.Root}{(arguments.Has("all") ? " and all images, volumes and disks" : "")}, with bridge and rules."))
        {
            return 1;
        }

        foreach (Finding finding in BenchCheck.Run(context.Paths))
        {
            finding.Repair!();
        }

        foreach (string line in new HostCare(context.Paths).Clear(arguments.Has("all")))
        {
            context.Out($"removed {line}");
        }

        return 0;
    }

    /// <summary>Exit code 1 when something was found and not repaired.</summary>
    internal static int Check(CommandContext context, Arguments arguments)
    {
        context.RequireRoot();
        bool repair = arguments.Has("repair");
        bool readsAll = arguments.Has("digests") || arguments.Has("deep");
        var seen = new HashSet<string>();
        int repaired = 0, open = 0, mendable = 0;
        for (int before = -1; before < repaired; )
        {
            // What is put right may have hidden something else.
            before = repaired;
            foreach (Finding finding in (Finding[])[.. BenchCheck.Run(context.Paths), .. new SystemCheck(context.Paths, readsAll).Run()])
            {
                if (!seen.Add(finding.Text))
                {
                    continue;
                }

                bool repairs = repair && finding.Repair is not null;
                if (repairs)
                {
                    finding.Repair!();
                    repaired++;
                }
                else
                {
                    open++;
                    mendable += finding.Repair is null ? 0 : 1;
                }

                context.Out($"{(repairs ? "repaired" : finding.Repair is null ? "found (not ours to repair)" : "found")}: {finding.Text}");
            }
        }

        context.Out(seen.Count == 0 ? "everything is as recorded" : repair ? $"{repaired} repaired, {open} left"
            : $"{open} found{(mendable == 0 ? "" : $"; timur system check --repair puts {(mendable < open ? $"{mendable} of them" : "them")} right")}");
        return open > 0 ? 1 : 0;
    }
}
