using Timur.Cli;
using Timur.Engine;
using Timur.Engine.Monitoring;

namespace Timur;

/// <summary>The entry: picks the verb before anything else runs.</summary>
internal static class Program
{
    private static int Main(string[] args)
    {
        bool debug = false;
        try
        {
            return args is [] ? CommandTable.Help() : args[0] switch
            {
                "__monitor" => MonitorProcess.Run(),
                "__restart" => ContainerEnd.RunRestart(args.AsSpan(1)),
                _ => CommandTable.Run(args, out debug),
            };
        }
        catch (Exception e) when (e is Failure or Kernel.SyscallException or IOException or UnauthorizedAccessException)
        {
            return CommandContext.Report(e, debug);
        }
    }
}
