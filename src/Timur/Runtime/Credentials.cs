using Timur.Kernel.Launcher;
using Timur.Oci;

namespace Timur.Runtime;

/// <summary>The last steps before the payload: bounding set, ids, capabilities, seccomp, working directory, in the order that keeps each possible.</summary>
internal static class Credentials
{
    internal static void Compile(LaunchProgram program, ProcessSpec process, byte[]? filter, uint filterFlags, ulong own)
    {
        if (process.NoNewPrivileges)
        {
            program.NoNewPrivileges();
        }
        else
        {
            // Without no_new_privs only a privileged process may load a filter, so it comes before the capabilities go; it may forbid to ask for the directory.
            program.WorkingDirectory(process.Cwd, beforeIds: true);
            LoadFilter(program, filter, filterFlags);
        }

        if (process.Capabilities is { } capabilities)
        {
            program.DropBoundingSet(own & ~Capabilities.Bits(capabilities.Bounding));
        }

        if (process.NoNewPrivileges)
        {
            program.WorkingDirectory(process.Cwd, beforeIds: true);
        }

        program.Become(process.UserId, process.GroupId, process.AdditionalGroups, canSetGroups: !process.KeepsGroups);
        if (process.Capabilities is { } sets)
        {
            program.SetCapabilities(
                Capabilities.Bits(sets.Effective) & own, Capabilities.Bits(sets.Permitted) & own, Capabilities.Bits(sets.Inheritable) & own,
                Capabilities.Bits(sets.Ambient) & own);
        }

        if (process.UserId != 0)
        {
            program.WorkingDirectory(process.Cwd, beforeIds: false, isFiltered: !process.NoNewPrivileges && filter is not null);
        }

        program.Umask(process.Umask ?? 0x12);
        if (process.NoNewPrivileges)
        {
            LoadFilter(program, filter, filterFlags);
        }
    }

    private static void LoadFilter(LaunchProgram program, byte[]? filter, uint flags)
    {
        if (filter is not null)
        {
            program.Seccomp(filter, flags);
            if ((flags & IdentityOps.NewListener) != 0)
            {
                program.HandListener(LaunchLetters.Listener);
            }
        }
    }
}
