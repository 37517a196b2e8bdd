using Timur.Kernel;
using Timur.Oci;

namespace Timur.Runtime.Containers;

/// <summary>A class of service of resctrl (Documentation/filesystems/resctrl.rst).</summary>
internal static class ResctrlGroup
{
    private const string Mount = "/sys/fs/resctrl";

    /// <summary>Puts the process into its class; the name of one that was made for it, or null.</summary>
    internal static string? Join(IntelRdtSpec? rdt, string id, int pid)
    {
        if (rdt is null)
        {
            return null;
        }

        string name = rdt.ClosId ?? id;
        string directory = $"{Mount}/{name}";
        bool isNew = Directories.TryCreate(directory, out Errno why);
        if (!isNew && why != Errno.EEXIST)
        {
            throw new Failure($"config.json: linux.intelRdt: {directory}: {why.Describe()}", "the machine may be out of classes of service", 1);
        }

        try
        {
            foreach (string line in rdt.Schemata)
            {
                Write(directory + "/schemata", line + "\n");
            }

            Write(directory + "/tasks", pid.ToString());
            if (rdt.EnableMonitoring)
            {
                Directories.TryCreate($"{directory}/mon_groups/{id}", out _);
                Write($"{directory}/mon_groups/{id}/tasks", pid.ToString());
            }
        }
        catch when (isNew)
        {
            Directories.TryRemove(directory, out _);
            throw;
        }

        return isNew && rdt.ClosId is null ? name : null;
    }

    /// <summary>Refuses lines for a resource that this machine can't divide, in the words that callers know.</summary>
    internal static void RequireFor(IReadOnlyList<string> schemata)
    {
        foreach (string line in schemata)
        {
            (string resource, string words) = line.StartsWith('L') ? ("L3", "CAT: l3 cache schema") : ("MB", "MBA: memory bandwidth schema");
            if (!Files.Exists($"{Mount}/info/{resource}"))
            {
                throw new Failure($"Intel RDT/{words} is not enabled", $"resctrl isn't mounted at {Mount}, or this machine can't divide {resource}", 1);
            }
        }
    }

    internal static void Remove(string? name)
    {
        if (name is not null)
        {
            Directories.TryRemove($"{Mount}/{name}", out _);
        }
    }

    private static void Write(string path, string text)
    {
        if (!Files.TryWriteText(path, text, out Errno why))
        {
            throw new Failure($"config.json: linux.intelRdt: {path}: the kernel refuses {text.TrimEnd()}: {why.Describe()}", exitCode: 1);
        }
    }
}
