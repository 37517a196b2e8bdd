using Timur.CommandLine;
using Timur.Engine;

namespace Timur.Cli;

/// <summary><c>timur disk</c>: the disk images under containers.</summary>
internal static class DiskCommand
{
    internal static int List(CommandContext context, Arguments arguments)
    {
        var disks = new ContainerDisks(context.Paths);
        ListOutput.Print(context, arguments, [.. disks.List()], [("DISK", "Name"), ("SIZE", "Size"), ("USED", "Used"), ("CONTAINER", "Container"), ("SNAPSHOTS", "Snapshots")], "Name");
        return 0;
    }

    internal static int Clone(CommandContext context, Arguments arguments)
    {
        (string disk, string name) = Operands.Two(arguments, "disk clone", "DISK", "NEW_NAME");
        return Change(context, disk, disks => disks.Clone(disk, name));
    }

    internal static int Snapshot(CommandContext context, Arguments arguments)
    {
        (string disk, string name) = Operands.Two(arguments, "disk snapshot", "DISK", "SNAPSHOT");
        return Change(context, disk, disks => disks.Snapshot(disk, name));
    }

    internal static int Rollback(CommandContext context, Arguments arguments)
    {
        (string disk, string name) = Operands.Two(arguments, "disk rollback", "DISK", "SNAPSHOT");
        return Change(context, disk, disks => disks.Rollback(disk, name));
    }

    internal static int Resize(CommandContext context, Arguments arguments)
    {
        (string disk, string size) = Operands.Two(arguments, "disk resize", "DISK", "SIZE");
        return Change(context, disk, disks => disks.Resize(disk, ByteSize.Parse(size, "disk resize").Bytes));
    }

    internal static int Remove(CommandContext context, Arguments arguments)
    {
        foreach (string disk in Operands.AtLeastOne(arguments, "disk rm", "DISK[@SNAPSHOT]"))
        {
            Change(context, disk, disks => disks.Remove(disk));
        }

        return 0;
    }

    private static int Change(CommandContext context, string disk, Action<ContainerDisks> change)
    {
        context.RequireRoot();
        change(new ContainerDisks(context.Paths));
        context.Out(disk);
        return 0;
    }
}
