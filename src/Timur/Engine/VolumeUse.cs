using Timur.State;

namespace Timur.Engine;

/// <summary>Which containers have which volumes.</summary>
internal sealed class VolumeUse
{
    private readonly ILookup<string, Container> _users;

    internal VolumeUse(DataPaths paths)
        => _users = new ContainerStore(paths).List().SelectMany(container => NamesOf(paths, container).Select(name => (name, container))).ToLookup(pair => pair.name, pair => pair.container);

    internal IEnumerable<Container> UsersOf(string volume) => _users[volume];

    /// <summary>Volumes that a container's options name, and its own.</summary>
    internal static IEnumerable<string> NamesOf(DataPaths paths, Container container)
        => WantedMount.OfOptions(container.Options, container.Id).Where(mount => mount.Kind == WantedKind.Volume).Select(mount => mount.Source)
            .Union(VolumeCreation.AnonymousOf(paths, container.Id));
}
