using Timur.CommandLine;
using Timur.Kernel;
using Timur.Runtime.Containers;

namespace Timur.Cli.Oci;

/// <summary><c>delete</c>.</summary>
internal static class DeleteCommand
{
    internal static Option[] Options { get; } =
    [
        Option.Flag("force", "kill it if it runs; one that isn't there is no failure", 'f'),
        Option.Flag("regex", "ID is an extended regular expression: delete every container that has a match in its id"),
    ];

    internal static int Run(OciContext context, Arguments arguments)
    {
        string id = arguments.Operands[0];
        bool force = arguments.Has("force");
        if (arguments.Has("regex"))
        {
            DeleteAll(context, id, force);
            return 0;
        }

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

    private static void DeleteAll(OciContext context, string expression, bool force)
    {
        using NamePattern pattern = Parse(expression);
        foreach (OciContainer container in context.Root.All(ListCommand.Broken))
        {
            if (pattern.Matches(container.Id))
            {
                new Deletion(context.Log).Delete(container, force);
            }
        }
    }

    private static NamePattern Parse(string expression)
    {
        try
        {
            return new NamePattern(expression);
        }
        catch (ArgumentException e)
        {
            throw new Failure($"delete --regex: '{expression}' isn't a regular expression: {e.Message}", "regex(7) says how they are written", 1, e);
        }
    }
}
