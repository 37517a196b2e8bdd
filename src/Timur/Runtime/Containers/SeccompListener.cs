using Timur.Kernel;
using Timur.Kernel.Launcher;
using Timur.Oci;

namespace Timur.Runtime.Containers;

/// <summary>Filters that ask an agent (config-linux.md, listenerPath; seccomp_unotify(2)).</summary>
internal static class SeccompListener
{
    private const string Notify = "SCMP_ACT_NOTIFY";

    /// <summary>Flags of seccomp(2): the profile's own, and a listener when some call is to be asked about.</summary>
    internal static uint Flags(LinuxSeccomp profile)
    {
        uint flags = Seccomp.FilterCompiler.Flags(profile);
        if (!Asks(profile))
        {
            return flags;
        }

        return profile.ListenerPath is not null
            ? flags | IdentityOps.NewListener
            : throw new Failure($"{Notify} needs listenerPath, where an agent answers", exitCode: 1);
    }

    /// <summary>Gives the agent the descriptor, with the state of the container that it is about.</summary>
    internal static void Give(string listenerPath, string metadata, ContainerRecord record, OciStatus status, int pid, Fd listener)
    {
        using Fd socket = Sockets.TryConnect(listenerPath, SocketKind.Stream, out Errno why)
            ?? throw new Failure($"failed to connect with seccomp agent {listenerPath}: {why.Describe().ToLowerInvariant()}", "the agent listens there before the container is created", 1);
        if (!Sockets.TrySend(socket, StateJson.ForAgent(record, status, pid, metadata), [listener.Raw], out why))
        {
            throw new Failure($"seccomp agent {listenerPath}: {why.Describe()}", exitCode: 1);
        }
    }

    private static bool Asks(LinuxSeccomp profile)
    {
        if (profile.DefaultAction == Notify)
        {
            throw new Failure($"{Notify} cannot be used as default action: it would stop the runtime itself", exitCode: 1);
        }

        foreach (SeccompRule rule in profile.Syscalls)
        {
            if (rule.Action == Notify)
            {
                return !rule.Names.Contains("write") ? true : throw new Failure($"{Notify} cannot be used for the write syscall: it would stop the runtime itself", exitCode: 1);
            }
        }

        return false;
    }
}
