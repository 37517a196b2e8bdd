using Timur.CommandLine;
using Timur.Engine;
using Timur.State;

namespace Timur.Cli;

/// <summary><c>timur rename</c>: give a container another name.</summary>
internal static class RenameCommand
{
    internal static int Run(CommandContext context, Arguments arguments)
    {
        context.RequireRoot();
        (string old, string name) = Operands.Two(arguments, "rename", "CONTAINER", "NEW_NAME");
        var store = new ContainerStore(context.Paths);
        Container container = store.Find(old);
        using FileLock guard = store.Lock(container.Id);
        store.ClaimName(name, container.Id);
        store.SaveRecord(container.Record with { Name = name });
        store.ReleaseName(container.Name, container.Id);
        return 0;
    }
}
