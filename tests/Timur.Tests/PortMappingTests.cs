using System.Net;
using Timur.Networks;
using Xunit;

namespace Timur.Tests;

public class PortMappingTests
{
    [Theory]
    [InlineData("80", null, 0, 80, TransportProtocol.Tcp)]
    [InlineData("8080:80", null, 8080, 80, TransportProtocol.Tcp)]
    [InlineData("8080:80/udp", null, 8080, 80, TransportProtocol.Udp)]
    [InlineData("127.0.0.1:8080:80/UDP", "127.0.0.1", 8080, 80, TransportProtocol.Udp)]
    [InlineData("127.0.0.1::80", "127.0.0.1", 0, 80, TransportProtocol.Tcp)]
    [InlineData("[::1]:8080:80", "::1", 8080, 80, TransportProtocol.Tcp)]
    [InlineData("[2001:db8::1]::53/udp", "2001:db8::1", 0, 53, TransportProtocol.Udp)]
    public void A_single_port_is_read_in_every_form(string text, string? address, int host, int container, TransportProtocol protocol)
    {
        PortMapping mapping = Assert.Single(PortMapping.Parse(text));
        Assert.Equal(address is null ? null : IPAddress.Parse(address), mapping.HostAddress);
        Assert.Equal((host, container, protocol), (mapping.HostPort, mapping.ContainerPort, mapping.Protocol));
    }

    [Fact]
    public void A_range_becomes_one_mapping_for_each_port()
    {
        IReadOnlyList<PortMapping> mappings = PortMapping.Parse("8000-8010:80-90");
        Assert.Equal(11, mappings.Count);
        Assert.Equal((8010, 8010, 90), (mappings[10].HostPort, mappings[10].LastHostPort, mappings[10].ContainerPort));
    }

    [Fact]
    public void A_host_range_for_one_container_port_means_any_of_it()
    {
        PortMapping mapping = Assert.Single(PortMapping.Parse("8000-8010:80"));
        Assert.Equal((8000, 8010), (mapping.HostPort, mapping.LastHostPort));
    }

    [Theory]
    [InlineData("")]
    [InlineData("0")]
    [InlineData("65536")]
    [InlineData("-1:80")]
    [InlineData("8080:")]
    [InlineData("http:80")]
    [InlineData("90-80")]
    [InlineData("8000-8002:80-81")]
    [InlineData("80/sctp")]
    [InlineData("80/icmp")]
    [InlineData("::1:8080:80")]
    [InlineData("[::1]:80")]
    [InlineData("[::1:8080:80")]
    [InlineData("127.1:8080:80")]
    [InlineData("1.2.3.4:5:6:7")]
    public void Nonsense_is_refused_with_the_text_in_the_message(string text)
    {
        Failure failure = Assert.Throws<Failure>(() => PortMapping.Parse(text));
        Assert.StartsWith($"--publish {text}:", failure.Message);
        Assert.NotNull(failure.Advice);
    }
}
