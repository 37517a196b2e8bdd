using System.Text;

namespace Timur.Kernel.Launcher;

/// <summary>Ids of a user namespace: <paramref name="Count"/> of them from <paramref name="Inside"/> are the host's from <paramref name="Outside"/>.</summary>
public readonly record struct IdRange(uint Inside, uint Outside, uint Count);

/// <summary>User namespaces (user_namespaces(7)), made for and by processes that are cloned: a process with two threads can't enter one.</summary>
public static class UserNamespaces
{
    /// <summary>The launch program's letter while it waits for its maps.</summary>
    public const char MapLetter = 'u';

    /// <summary>Gives the ids of a process that was cloned into a new user namespace. Possible once.</summary>
    public static void WriteMaps(int pid, IReadOnlyList<IdRange> users, IReadOnlyList<IdRange> groups)
    {
        Write($"/proc/{pid}/uid_map", users);
        Write($"/proc/{pid}/gid_map", groups);
    }

    /// <summary>A namespace without a process, for mounts whose ids are mapped (mount_setattr(2), MOUNT_ATTR_IDMAP).</summary>
    public static Fd Create(IReadOnlyList<IdRange> users, IReadOnlyList<IdRange> groups)
    {
        var program = new LaunchProgram { Flags = CloneFlags.NewUser };
        program.AskParent("wait for the maps", MapLetter);
        program.Add("end", Nr.exit, 0);
        using var loaded = new LoadedProgram(program.ToBytes());
        Fd? made = null;
        try
        {
            using Launched holder = Launching.Start(new LaunchRequest(loaded)
            {
                OnSync = point =>
                {
                    WriteMaps(point.Pid, users, groups);
                    made = Files.Open($"/proc/{point.Pid}/ns/user");
                },
            });
            Processes.TryReap(holder.Pid, wait: true, out _);
            return made!;
        }
        catch (LaunchException e)
        {
            made?.Dispose();
            throw new SyscallException("clone(user namespace)", e.Errno);
        }
    }

    private static void Write(string path, IReadOnlyList<IdRange> ranges)
    {
        var text = new StringBuilder();
        foreach (IdRange range in ranges)
        {
            text.Append(range.Inside).Append(' ').Append(range.Outside).Append(' ').Append(range.Count).Append('\n');
        }

        if (!Files.TryWriteText(path, text.ToString(), out Errno why))
        {
            throw new SyscallException("write", why, path);
        }
    }
}
