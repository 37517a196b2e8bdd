using Timur.Kernel;
using Timur.Kernel.Netlink;

namespace Timur.Runtime.Containers;

/// <summary>Interfaces that move into the container's network namespace (config-linux.md, Network Devices).</summary>
internal static class NetDevices
{
    internal static void Move(IReadOnlyDictionary<string, string> devices, int pid)
    {
        if (devices.Count == 0)
        {
            return;
        }

        using Fd space = Files.Open($"/proc/{pid}/ns/net");
        using var socket = NetlinkSocket.Open(NetlinkProtocol.Route);
        foreach ((string outside, string inside) in devices)
        {
            Link link = Links.TryFind(socket, outside, out Errno why)
                ?? throw new Failure($"config.json: linux.netDevices: {outside}: {why.Describe()}", "the device is looked for where the runtime runs", 1);
            socket.Demand(new NetlinkWriter().MoveLink(link.Index, inside, space), $"move {outside} into the container");
        }
    }
}
