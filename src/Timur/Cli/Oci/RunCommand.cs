using Timur.CommandLine;
using Timur.Kernel.Launcher;
using Timur.Oci;
using Timur.Runtime.Containers;

namespace Timur.Cli.Oci;

/// <summary><c>run</c>: create and start; without <c>--detach</c> it waits, and deletes the container after its end.</summary>
internal static class RunCommand
{
    internal static Option[] Options { get; } =
    [
        .. CreateCommand.Options,
        Option.Flag("detach", "leave when the container runs", 'd'),
        Option.Flag("keep", "don't delete the container after its end"),
        Option.Flag("no-subreaper", "ignored: orphans go to whoever adopts them anyway"),
    ];

    internal static int Run(OciContext context, Arguments arguments)
    {
        CreateOptions options = CreateCommand.ParseOptions(context, arguments, "run");
        Bundle bundle = CreateCommand.ReadBundle(arguments, needsProcess: true);
        bool detach = arguments.Has("detach");
        CreateCommand.RequireConsoleSocket(bundle.Spec.Process!.Terminal, options.ConsoleSocket, detach);
        Entering.Protect(Disguise.Suffices(bundle));
        var creation = new Creation(context.Root, context.Log);
        HooksSpec hooks = bundle.Spec.Hooks;
        options = options with { Immediately = hooks.StartContainer.Count + hooks.Poststart.Count == 0 };
        using Launched launched = creation.Create(bundle, options, out OciContainer container);
        if (!options.Immediately)
        {
            Start(context, container);
        }

        if (detach)
        {
            return 0;
        }

        int code = Foreground.Wait(launched, creation.Terminal);
        if (!arguments.Has("keep"))
        {
            new Deletion(context.Log).Delete(container, force: true);
        }

        return code;
    }

    private static void Start(OciContext context, OciContainer container)
    {
        try
        {
            new Starting(context.Log).Start(container);
        }
        catch
        {
            new Deletion(context.Log).Delete(container, force: true);
            throw;
        }
    }
}
