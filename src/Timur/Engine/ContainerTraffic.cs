using Timur.Networks;
using Timur.State;

namespace Timur.Engine;

/// <summary>Bytes through a container's own link, as the container sees them.</summary>
public sealed record ContainerTraffic(long ReceivedBytes, long SentBytes)
{
    /// <summary>Null when the container has no link of its own, or doesn't run.</summary>
    public static ContainerTraffic? Of(DataPaths paths, Container container)
        => container.State is { IsAlive: true, Address.Length: > 0 } && new HostNetwork(paths).Statistics(container.Id) is { } link
            ? new ContainerTraffic((long)link.ReceivedBytes, (long)link.SentBytes)
            : null;
}
