using Timur.CommandLine;
using Timur.Runtime.Containers;

namespace Timur.Cli.Oci;

/// <summary><c>delete</c>.</summary>
internal static class DeleteCommand
{
    internal static Option[] Options { get; } = [Option.Flag("force", "kill it if it runs; one that isn't there is no failure", 'f')];

    internal static int Run(OciContext context, Arguments arguments)
    {
        string id = OciOperands.Id(arguments, "delete");
        bool force = arguments.Has("force");
        OciContainer? container = context.Root.TryFind(id);
        if (container is null)
        {
            // What a creation that was cut off has left has no record, but a directory.
            bool left = context.Root.TryDiscard(id);
            return force || left ? 0 : throw new Failure("container does not exist", exitCode: 1);
        }

        new Deletion(context.Log).Delete(container, force);
        return 0;
    }
}
