using Timur.Kernel;
using Timur.Kernel.Launcher;
using Timur.State;

namespace Timur.Engine.Monitoring;

/// <summary>What a container's process with a user namespace waits for: its ids, and the network for the namespace that it has made itself.</summary>
internal static class UserNamespaceSetup
{
    /// <summary>Runs in the monitor while the process waits; the starter holds the container's lock.</summary>
    /// <param name="undo">Gives the network back when the launch fails later.</param>
    /// <param name="held">Gets the descriptors that keep published ports.</param>
    /// <returns>The state with the addresses.</returns>
    internal static ContainerState Run(DataPaths paths, ContainerId id, int pid, ContainerState state, UndoList undo, List<Fd> held)
    {
        var store = new ContainerStore(paths);
        Container container = store.TryLoad(id) ?? throw new Failure($"container {id.Short} was removed meanwhile");
        RunOptions options = container.Options;
        IdMaps maps = IdMaps.Of(options, id) ?? throw new InvalidOperationException("the launch program waits for maps that nobody asked for");
        UserNamespaces.WriteMaps(pid, maps.Users, maps.Groups);
        if (!ContainerNetwork.IsBridged(options))
        {
            return state;
        }

        using Fd space = Files.Open($"/proc/{pid}/ns/net");
        ContainerNetwork network = ContainerNetwork.Attach(store, container, undo, space);
        network.WriteFiles(paths.Container(id), SpecBuilder.HostnameOf(options, id), options, []);
        held.AddRange(network.Reservations);
        return network.Describe(state);
    }
}
