using Timur.Engine;
using Timur.Kernel;
using Timur.Kernel.Launcher;

namespace Timur.Cli.Oci;

/// <summary>Stays with a process: passes signals on, copies its terminal's bytes, and ends as it does.</summary>
internal static class Foreground
{
    private const int LastOrdinarySignal = 31;

    internal static int Wait(Launched process, Fd? terminal)
    {
        if (terminal is not null)
        {
            using (terminal)
            {
                TerminalRelay.Run(terminal, process.Process, sendInput: true, keepOutput: true);
            }
        }
        else
        {
            SignalRelay.Run(process.Process, Forwarded());
        }

        return Processes.TryReap(process.Pid, wait: true, out _)?.ShellCode ?? 1;
    }

    /// <summary>All that can be caught, but for those that mean a defect of this process, and its child's end.</summary>
    private static int[] Forwarded()
    {
        var signals = new List<int>();
        for (int signal = 1; signal <= LastOrdinarySignal; signal++)
        {
            // ILL, TRAP, ABRT, BUS, FPE, KILL, SEGV, PIPE, CHLD, STOP, URG
            if (signal is not (4 or 5 or 6 or 7 or 8 or 9 or 11 or 13 or 17 or 19 or 23))
            {
                signals.Add(signal);
            }
        }

        return [.. signals];
    }
}
