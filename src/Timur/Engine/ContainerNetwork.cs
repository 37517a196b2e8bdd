using System.Text;
using Timur.Kernel;
using Timur.Networks;
using Timur.State;

namespace Timur.Engine;

/// <summary>
/// A container's part in a network: its namespace, addresses and published ports with <c>bridge</c>, nothing of that with <c>none</c>, <c>host</c> or
/// <c>container:</c>.
/// </summary>
internal sealed class ContainerNetwork : IDisposable
{
    private readonly NetworkAttachment? _attachment;
    private readonly string? _lender;

    private ContainerNetwork(NetworkAttachment? attachment, string? lender) => (_attachment, _lender) = (attachment, lender);

    internal Fd? Namespace => _attachment?.Namespace;

    /// <summary>Sockets that keep the published ports from other programs; the monitor holds them.</summary>
    internal IReadOnlyList<Fd> Reservations => _attachment?.Reservations ?? [];

    /// <summary>Nothing yet: with a user namespace the network is attached when the container's process has made its namespace.</summary>
    internal static ContainerNetwork Later { get; } = new(null, null);

    /// <summary>Whether these options ask for the default network.</summary>
    internal static bool IsBridged(RunOptions options) => options.Text("network") is null or "bridge" or "default";

    /// <param name="space">The network namespace, where the container's process made it; null makes one.</param>
    internal static ContainerNetwork Attach(ContainerStore store, Container container, UndoList undo, Fd? space = null)
    {
        RunOptions options = container.Options;
        if (IsBridged(options))
        {
            List<PortMapping> ports = options.Texts("publish").SelectMany(PortMapping.Parse).ToList();
            return new ContainerNetwork(new HostNetwork(store.Paths).Attach(container.Id, new NetworkRequest(options.Text("ip"), ports), undo, space), null);
        }

        string mode = options.Text("network")!;
        const string prefix = "container:";
        return new ContainerNetwork(null, mode.StartsWith(prefix, StringComparison.Ordinal) ? store.Paths.Container(store.Find(mode[prefix.Length..]).Id) : null);
    }

    /// <summary>hosts, hostname and resolv.conf in the container's directory; with <c>container:</c> they are the other's.</summary>
    internal void WriteFiles(string directory, string hostname, RunOptions options, List<string> warnings)
    {
        Files.WriteAll($"{directory}/hostname", Encoding.UTF8.GetBytes(hostname + "\n"));
        if (_lender is not null || options.Text("network") == "host")
        {
            foreach (string name in (ReadOnlySpan<string>)["hosts", "resolv.conf"])
            {
                Files.WriteAll($"{directory}/{name}", Files.TryReadAll($"{_lender ?? "/etc"}/{name}", out _) ?? []);
            }

            return;
        }

        Files.WriteAll($"{directory}/hosts", Encoding.UTF8.GetBytes(HostsFile.ForContainer(_attachment, hostname, options.Texts("add-host"))));
        var request = new ResolverRequest(options.Texts("dns"), options.Texts("dns-search"), options.Texts("dns-option"));
        string resolver = ResolverFile.ForContainer(request, _attachment?.Ipv6 is not null, out string? warning);
        Files.WriteAll($"{directory}/resolv.conf", Encoding.UTF8.GetBytes(resolver));
        if (warning is not null && _attachment is not null)
        {
            warnings.Add(warning);
        }
    }

    internal ContainerState Describe(ContainerState state) => _attachment is null ? state : state with
    {
        Address = _attachment.Ipv4,
        Address6 = _attachment.Ipv6 ?? "",
        Gateway = _attachment.Gateway4,
        MacAddress = _attachment.MacAddress,
        Ports = string.Join(", ", _attachment.Ports.Select(Show)),
    };

    public void Dispose() => _attachment?.Dispose();

    private static string Show(PublishedPort port)
    {
        string address = port.HostAddress.Contains(':') ? $"[{port.HostAddress}]" : port.HostAddress;
        return $"{address}:{port.HostPort}->{port.ContainerPort}/{port.Protocol.ToString().ToLowerInvariant()}";
    }
}
