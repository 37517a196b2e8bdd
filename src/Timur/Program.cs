using Timur.Bench;
using Timur.Cli;
using Timur.Cli.Oci;
using Timur.Engine;
using Timur.Engine.Monitoring;
using Timur.Images;
using Timur.Kernel;

namespace Timur;

/// <summary>The entry: picks the verb before anything else runs.</summary>
internal static class Program
{
    private static int Main(string[] args)
    {
        Descriptors.CompleteStandard();

        // A root file system is for its users, not for whoever makes it: with a umask of 077 nobody but root could enter one.
        Processes.SetUmask(0x12);
        bool debug = false;
        try
        {
            if (OciCommandTable.IsRuntimeName(Environment.GetCommandLineArgs()[0]))
            {
                return OciCommandTable.Run(args);
            }

            return args is [] ? CommandTable.Help() : args[0] switch
            {
                "__monitor" => MonitorProcess.Run(),
                "oci" => OciCommandTable.Run(args.AsSpan(1)),
                "__restart" => ContainerEnd.RunRestart(args.AsSpan(1)),
                HealthProcess.Verb => HealthProcess.Run(args.AsSpan(1)),
                Settling.Verb => Settling.Run(args[1]),
                TrashCan.Verb => TrashCan.Run(args.AsSpan(1)),
                Keeper.Verb => Keeper.Run(args.AsSpan(1)),
                _ => CommandTable.Run(args, out debug),
            };
        }
#pragma warning disable CA1031 // the last one: a defect of ours ends with the engine's exit code, too
        catch (Exception e)
#pragma warning restore CA1031
        {
            return CommandContext.Report(e, debug);
        }
    }
}
