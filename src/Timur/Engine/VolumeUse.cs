using Timur.State;

namespace Timur.Engine;

/// <summary>Which containers have which volumes.</summary>
internal sealed class VolumeUse
{
    private readonly ILookup<string, Container> _users;

    /// <summary>A container whose record is damaged may have any volume: that is a <see cref="Failure"/>.</summary>
    internal VolumeUse(DataPaths paths)
        : this(paths, new ContainerStore(paths).List())
    {
    }

    internal VolumeUse(DataPaths paths, List<Container> containers)
        => _users = containers.SelectMany(container => NamesOf(paths, container).Select(name => (name, container))).ToLookup(pair => pair.name, pair => pair.container);

    internal IEnumerable<Container> UsersOf(string volume) => _users[volume];

    /// <summary>Volumes that a container's options name, and its own.</summary>
    internal static IEnumerable<string> NamesOf(DataPaths paths, Container container)
        => WantedMount.VolumesOf(WantedMount.OfOptions(container.Options, container.Id))
            .Union(VolumeCreation.AnonymousOf(paths, container.Id));
}
