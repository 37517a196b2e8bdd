using System.Text;
using Timur.Kernel;
using Timur.State;

namespace Timur.Engine;

/// <summary>A container's part in a network: its namespace, addresses and published ports; nothing with <c>none</c>, <c>host</c> or <c>container:</c>.</summary>
internal sealed class ContainerNetwork : IDisposable
{
    private ContainerNetwork()
    {
    }

    internal Fd? Namespace { get; private init; }

    internal IReadOnlyList<Fd> Reservations { get; private init; } = [];

    internal static ContainerNetwork Attach(ContainerStore store, Container container, string hostname, UndoList undo)
    {
        return new ContainerNetwork();
    }

    /// <summary>hosts, hostname and resolv.conf of the container.</summary>
    internal void WriteFiles(string directory, string hostname, RunOptions options)
    {
        Files.WriteAll($"{directory}/hostname", Encoding.UTF8.GetBytes(hostname + "\n"));
        Files.WriteAll($"{directory}/hosts", Encoding.UTF8.GetBytes($"127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n127.0.1.1\t{hostname}\n"));
        if (!Files.Exists($"{directory}/resolv.conf"))
        {
            Files.WriteAll($"{directory}/resolv.conf", Files.TryReadAll("/etc/resolv.conf", out _) ?? []);
        }
    }

    internal ContainerState Describe(ContainerState state) => state;

    public void Dispose()
    {
        Namespace?.Dispose();
        foreach (Fd fd in Reservations)
        {
            fd.Dispose();
        }
    }
}
