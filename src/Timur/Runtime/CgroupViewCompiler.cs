using Timur.Kernel;
using Timur.Kernel.Launcher;
using Timur.Oci;

namespace Timur.Runtime;

/// <summary>What a container sees of its cgroups: on v2 the hierarchy itself, from its own cgroup namespace; on v1 each of its directories, bound (cgroup_namespaces(7)).</summary>
internal sealed class CgroupViewCompiler(LaunchProgram program, LaunchContext context)
{
    /// <summary>What was opened before a user namespace was entered, by the mount and the hierarchy's name, which is empty on v2.</summary>
    private readonly Dictionary<(MountSpec Mount, string Name), MountHandle> _opened = [];

    /// <summary>Opens a mount's directories of the host while the process may still reach them.</summary>
    internal void Open(MountSpec mount, MountAttributes attributes)
    {
        if (context.UnifiedView is { } own)
        {
            _opened[(mount, "")] = Clone(own, attributes);
        }

        foreach ((string name, string hostPath) in context.CgroupViews)
        {
            _opened[(mount, name)] = Clone(hostPath, attributes);
        }
    }

    internal void Mount(MountSpec mount, MountAttributes attributes, Arg target)
    {
        if (context.UnifiedView is { } own)
        {
            program.Attach(View(mount, "", own, attributes), mount.Destination, target);
        }
        else if (context.CgroupViews.Count == 0)
        {
            program.Attach(program.NewFileSystem("cgroup2", "cgroup", [], attributes), mount.Destination, target);
        }
        else
        {
            MountHierarchies(mount, attributes, target);
        }
    }

    /// <summary>A small tmpfs with a directory for each hierarchy; controllers that share one are found by the name of each.</summary>
    private void MountHierarchies(MountSpec mount, MountAttributes attributes, Arg target)
    {
        MountHandle holder = program.NewFileSystem("tmpfs", "tmpfs", [new("mode", "755"), new("size", "64k")], attributes & ~MountAttributes.ReadOnly);
        foreach ((string name, _) in context.CgroupViews)
        {
            program.MakeDirectory(holder.Slot, name);
        }

        foreach ((string name, _) in context.CgroupViews)
        {
            foreach (string controller in name.Contains(',') ? name.Split(',') : [])
            {
                program.MakeLink(holder.Slot, controller, name);
            }
        }

        program.Attach(holder, mount.Destination, target);
        foreach ((string name, string hostPath) in context.CgroupViews)
        {
            int mark = program.MarkSlots();
            Arg place = program.NewSlot();
            program.OpenInRoot($"open {mount.Destination}/{name}", holder.Slot, name, place, directory: true);
            program.Attach(View(mount, name, hostPath, attributes), $"{mount.Destination}/{name}", place);
            program.ReleaseSlots(mark);
        }

        if ((attributes & MountAttributes.ReadOnly) != 0)
        {
            program.Change(holder, mount.Destination, new MountChange(MountAttributes.ReadOnly));
        }
    }

    private MountHandle View(MountSpec mount, string name, string hostPath, MountAttributes attributes)
        => _opened.TryGetValue((mount, name), out MountHandle opened) ? opened : Clone(hostPath, attributes);

    private MountHandle Clone(string hostPath, MountAttributes attributes) => program.CloneHostTree(hostPath, recursive: false, new MountChange(attributes));
}
