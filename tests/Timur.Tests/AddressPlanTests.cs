using System.Net;
using Timur.Networks;
using Xunit;

namespace Timur.Tests;

public class AddressPlanTests
{
    [Theory]
    [InlineData("", "10.90.0.0/16")]
    [InlineData("10.90.3.0/24", "10.91.0.0/16")]
    [InlineData("10.88.0.0/13", "10.96.0.0/16")]
    [InlineData("10.0.0.0/8", "172.31.0.0/16")]
    [InlineData("10.0.0.0/8 172.16.0.0/12", "192.168.255.0/24")]
    public void A_subnet_keeps_clear_of_the_hosts_routes(string routes, string expected)
    {
        var inUse = routes.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Parse).ToList();
        Assert.Equal(expected, AddressPlan.ChooseSubnet(inUse).ToString());
    }

    [Fact]
    public void There_is_none_when_every_private_block_is_routed()
        => Assert.Null(AddressPlan.ChooseSubnet([Parse("10.0.0.0/8"), Parse("172.16.0.0/12"), Parse("192.168.0.0/16")]));

    [Theory]
    [InlineData("10.90.0.1/16")]
    [InlineData("10.90.0.0")]
    [InlineData("10.90.0.0/31")]
    [InlineData("10.90/16")]
    [InlineData("fd00::/64")]
    public void A_malformed_subnet_is_refused(string text) => Assert.False(Ipv4Subnet.TryParse(text, out _));

    [Fact]
    public void Network_gateway_and_broadcast_addresses_are_not_given_away()
    {
        Ipv4Subnet subnet = Parse("10.90.1.0/30");
        Assert.Equal([false, false, true, false], Enumerable.Range(0, 4).Select(i => subnet.IsAssignable(subnet.First + (uint)i)));
    }

    [Fact]
    public void The_ipv6_address_follows_from_the_ipv4_one()
    {
        byte[] prefix = [0xfd, 1, 2, 3, 4, 5, 0, 0];
        Assert.Equal(IPAddress.Parse("fd01:203:405::a5a:105"), new IPAddress(AddressPlan.Ipv6Address(prefix, Ipv4Subnet.ParseAddress("10.90.1.5"))));
        Assert.Equal(IPAddress.Parse("fd01:203:405::1"), new IPAddress(AddressPlan.Ipv6Gateway(prefix)));
    }

    private static Ipv4Subnet Parse(string text) => Ipv4Subnet.TryParse(text, out Ipv4Subnet subnet) ? subnet : throw new FormatException(text);
}
