using Timur.CommandLine;

namespace Timur.Cli.Oci;

/// <summary>Help in the sections that other runtimes have.</summary>
internal static class OciHelp
{
    /// <summary>Of every verb, and before it.</summary>
    internal static Option Option { get; } = Option.Flag("help", "show help", 'h');

    internal static int Print(OciVerb[] verbs, Option[] options)
    {
        OciContext.Line("NAME:\n   timur-runc - Open Container Initiative runtime\n\nUSAGE:\n   timur oci [global options] COMMAND [options] [ARGUMENTS...]\n\nCOMMANDS:");
        foreach (OciVerb verb in verbs)
        {
            OciContext.Line($"   {verb.Name,-12}{verb.Summary}");
        }

        OciContext.Line("\nGLOBAL OPTIONS:");
        return Print(options);
    }

    internal static int Print(OciVerb verb)
    {
        Option[] options = verb.Options();
        OciContext.Line($"NAME:\n   timur-runc {verb.Name} - {verb.Summary}\n\nUSAGE:\n   timur oci {verb.Name} {verb.Usage}{(options.Length > 0 ? "\n\nOPTIONS:" : "")}");
        return Print(options);
    }

    /// <summary>What was wrong, and the help of where it was: on standard output, as callers of runc have it there.</summary>
    internal static void PrintMistake(UsageException mistake, OciVerb? verb, OciVerb[] verbs, Option[] global)
    {
        if (verb is null)
        {
            OciContext.Line($"Incorrect Usage. {mistake.Message}\n");
            Print(verbs, global);
            return;
        }

        OciContext.Line(mistake.IsCount ? "Incorrect Usage.\n" : $"Incorrect Usage: {mistake.Message}\n");
        Print(verb);
    }

    private static int Print(Option[] options)
    {
        foreach (Option option in options)
        {
            OciContext.Line($"   {option.Display + " " + option.ValueName,-34} {option.Help}");
        }

        return 0;
    }
}
