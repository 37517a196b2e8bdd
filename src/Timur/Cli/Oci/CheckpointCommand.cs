using Timur.CommandLine;

namespace Timur.Cli.Oci;

/// <summary><c>checkpoint</c> and <c>restore</c>: not there yet, and said so in a way that callers take for "not supported".</summary>
internal static class CheckpointCommand
{
    internal static Option[] Options { get; } =
    [
        Option.Value("image-path", "DIR", "where the checkpoint is"),
        Option.Value("work-path", "DIR", "where criu's logs go"),
        Option.Value("bundle", "DIR", "the bundle", 'b'),
        Option.Flag("leave-running", "go on after the checkpoint"),
        Option.Flag("tcp-established", "open TCP connections too"),
        Option.Flag("detach", "leave when it runs", 'd'),
    ];

    internal static int Run(OciContext context, Arguments arguments)
    {
        context.Root.Find(OciOperands.Id(arguments, "checkpoint"));
        throw NotThere("checkpoint");
    }

    internal static int Restore(OciContext context, Arguments arguments)
    {
        OciOperands.Id(arguments, "restore");
        throw NotThere("restore");
    }

    private static Failure NotThere(string verb) => new($"{verb} is not supported by this version", "runc and crun can, with criu", 1);
}
