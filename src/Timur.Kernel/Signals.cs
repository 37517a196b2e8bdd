namespace Timur.Kernel;

/// <summary>Signals by number and by name (signal(7)).</summary>
public static class Signals
{
    public const int Hangup = 1, Interrupt = 2, Quit = 3, Kill = 9, Terminate = 15, Child = 17, Continue = 18, Stop = 19, WindowChange = 28;

    private static readonly string[] Names =
    [
        "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP",
        "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
    ];

    /// <summary>Reads <c>15</c>, <c>TERM</c>, <c>SIGTERM</c>, <c>RTMIN+3</c>.</summary>
    public static bool TryParse(string text, out int signal)
    {
        if (int.TryParse(text, out signal))
        {
            return signal is > 0 and <= 64;
        }

        string name = text.ToUpperInvariant();
        name = name.StartsWith("SIG", StringComparison.Ordinal) ? name[3..] : name;
        if (name.StartsWith("RTMIN", StringComparison.Ordinal))
        {
            int offset = 0;
            signal = 34;
            bool valid = name.Length == 5 || (name[5] == '+' && int.TryParse(name.AsSpan(6), out offset));
            signal += offset;
            return valid && signal <= 64;
        }

        signal = Array.IndexOf(Names, name) + 1;
        return signal > 0;
    }

    /// <summary>Such as <c>TERM</c>; a number where there is no name.</summary>
    public static string Name(int signal) => signal >= 1 && signal <= Names.Length ? Names[signal - 1] : signal.ToString();
}
