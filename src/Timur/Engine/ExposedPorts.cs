using Timur.Images;
using Timur.Networks;

namespace Timur.Engine;

/// <summary><c>--publish-all</c>: the ports that an image exposes, on ports of this machine that are free.</summary>
internal static class ExposedPorts
{
    /// <summary>The options with a <c>--publish</c> for each port that has none yet.</summary>
    internal static RunOptions Publish(RunOptions options, Image? image)
    {
        if (!options.Has("publish-all"))
        {
            return options;
        }

        HashSet<(ushort, TransportProtocol)> published = [.. options.Texts("publish").SelectMany(PortMapping.Parse).Select(mapping => (mapping.ContainerPort, mapping.Protocol))];
        IEnumerable<PortMapping> exposed = (image?.Config.ExposedPorts ?? []).Concat(options.Texts("expose")).SelectMany(PortMapping.Parse);
        IEnumerable<string> words = exposed.Where(mapping => published.Add((mapping.ContainerPort, mapping.Protocol)))
            .Select(mapping => $"--publish={mapping.ContainerPort}/{(mapping.Protocol == TransportProtocol.Udp ? "udp" : "tcp")}");
        return RunOptions.FromCanonical([.. words, .. options.Canonical]);
    }
}
