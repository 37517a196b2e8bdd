using System.Net;
using Timur.Networks;
using Xunit;

namespace Timur.Tests;

public class NameResolutionTests
{
    private static readonly ResolverRequest Nothing = new([], [], []);

    [Fact]
    public void The_hosts_servers_search_list_and_options_are_kept()
    {
        string text = ResolverFile.Compose("# comment\nnameserver 192.0.2.53\nsearch a.example b.example\noptions ndots:2\n", () => null, Nothing, true, out string? warning);
        Assert.Equal("nameserver 192.0.2.53\nsearch a.example b.example\noptions ndots:2\n", text);
        Assert.Null(warning);
    }

    [Fact]
    public void A_server_on_loopback_gives_way_to_those_behind_it()
        => Assert.Equal("nameserver 192.0.2.1\n", ResolverFile.Compose("nameserver 127.0.0.53\n", () => "nameserver 192.0.2.1\n", Nothing, true, out _));

    [Fact]
    public void Nothing_reachable_is_said()
    {
        Assert.Equal("", ResolverFile.Compose("nameserver 127.0.0.1\nnameserver fe80::1%eth0\n", () => null, Nothing, true, out string? warning));
        Assert.Contains("--dns", warning);
    }

    [Fact]
    public void What_was_asked_for_replaces_the_hosts()
        => Assert.Equal(
            "nameserver 198.51.100.1\noptions timeout:1\n",
            ResolverFile.Compose("nameserver 192.0.2.1\nsearch x\noptions y\n", () => null, new(["198.51.100.1"], ["."], ["timeout:1"]), true, out _));

    [Fact]
    public void The_hosts_file_has_the_containers_name_and_added_hosts()
    {
        string text = HostsFile.Compose("10.90.0.5", "fd00::5", "10.90.0.1", "web", ["db:192.0.2.7", "up:host-gateway", "six:[2001:db8::1]"]);
        foreach (string line in new[] { "127.0.0.1\tlocalhost", "10.90.0.5\tweb", "fd00::5\tweb", "192.0.2.7\tdb", "10.90.0.1\tup", "2001:db8::1\tsix" })
        {
            Assert.Contains(line + "\n", text);
        }
    }

    [Theory]
    [InlineData("db")]
    [InlineData("db:nowhere")]
    [InlineData(":10.0.0.1")]
    public void A_malformed_added_host_is_refused(string entry)
        => Assert.Contains(entry, Assert.Throws<Failure>(() => HostsFile.Compose(null, null, null, "web", [entry])).Message);

    [Theory]
    [InlineData("0.0.0.0", "0100007F:1F90", true)]
    [InlineData("127.0.0.1", "0100007F:1F90", true)]
    [InlineData("192.0.2.1", "0100007F:1F90", false)]
    [InlineData("192.0.2.1", "00000000:1F90", true)]
    [InlineData("127.0.0.1", "0100007F:1F91", false)]
    public void A_line_of_the_socket_table_tells_who_is_in_the_way(string address, string local, bool inTheWay)
    {
        string line = $"   0: {local} 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0000000000000000 100 0 0 10 0";
        Assert.Equal(inTheWay ? "4711" : null, PortHolder.Inode(line, IPAddress.Parse(address), 8080, TransportProtocol.Tcp));
    }
}
