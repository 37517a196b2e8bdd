using System.Diagnostics.CodeAnalysis;
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

    private const int InterpreterMissing = 255;

    internal static int Run(OciContext context, Arguments arguments)
    {
        CreateOptions options = CreateCommand.ParseOptions(context, arguments);
        Bundle bundle = CreateCommand.ReadBundle(arguments, needsProcess: true);
        bool detach = arguments.Has("detach");
        CreateCommand.RequireConsoleSocket(bundle.Spec.Process!.Terminal, options.ConsoleSocket, detach);
        Entering.Protect(Disguise.Suffices(bundle));
        var creation = new Creation(context.Root, context.Log);
        HooksSpec hooks = bundle.Spec.Hooks;
        options = options with { Immediately = hooks.StartContainer.Count + hooks.Poststart.Count == 0 };
        if (!TryCreate(creation, bundle, options, out Launched? created, out OciContainer container))
        {
            return InterpreterMissing;
        }

        using Launched launched = created;
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
            new Deletion(context.Log).DeleteIfThere(container);
        }

        return code;
    }

    /// <summary>False when only the payload's interpreter isn't there: other runtimes find that out in the container, and say so in its name.</summary>
    private static bool TryCreate(Creation creation, Bundle bundle, CreateOptions options, [NotNullWhen(true)] out Launched? launched, out OciContainer container)
    {
        try
        {
            launched = creation.Create(bundle, options, out container);
            return true;
        }
        catch (Failure e) when (LaunchWords.IsInterpreterMissing(e, out string? words))
        {
            CommandContext.Note(words);
            (launched, container) = (null, null!);
            return false;
        }
    }

    private static void Start(OciContext context, OciContainer container)
    {
        try
        {
            new Starting(context.Log).Start(container, endsWithHook: true);
        }
        catch
        {
            new Deletion(context.Log).Delete(container, force: true);
            throw;
        }
    }
}
