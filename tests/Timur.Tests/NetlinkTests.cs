using Timur.Kernel.Netlink;
using Timur.Networks;
using Xunit;

namespace Timur.Tests;

public class NetlinkTests
{
    [Fact]
    public void A_message_has_its_length_type_flags_sequence_and_padded_attributes()
    {
        NetlinkWriter writer = new NetlinkWriter().Begin(16, NetlinkFlags.Request | NetlinkFlags.Acknowledge, [1, 2, 3, 4]).Attribute(3, "abcd").End();
        Assert.Equal(
            "20000000" + "1000" + "0500" + "01000000" + "00000000" + "01020304" + "0900" + "0300" + "6162636400" + "000000",
            Convert.ToHexStringLower(writer.Bytes));
    }

    [Fact]
    public void A_nest_covers_what_was_written_in_it()
    {
        var writer = new NetlinkWriter();
        writer.Begin(1, NetlinkFlags.None, []);
        int nest = writer.Nest(4);
        writer.NetworkNumber(1, 0x01020304).Close(nest).Number(2, 5).End();
        Assert.Equal("0c000480" + "08000100" + "01020304" + "08000200" + "05000000", Convert.ToHexStringLower(writer.Bytes[16..]));
    }

    [Fact]
    public void A_reader_gives_back_what_a_writer_wrote_and_stops_at_a_torn_attribute()
    {
        NetlinkWriter writer = new NetlinkWriter().Begin(1, NetlinkFlags.None, []).Attribute(3, "eth0").Number(4, 1500).End();
        var reader = new AttributeReader([.. writer.Bytes[16..], 200, 0, 1, 0]);
        Assert.True(reader.Next());
        Assert.Equal("eth0", reader.Text);
        Assert.True(reader.Next());
        Assert.Equal(1500u, reader.Number);
        Assert.False(reader.Next());
    }

    [Fact]
    public void A_buffer_that_grows_keeps_what_it_had()
    {
        var writer = new NetlinkWriter();
        for (int i = 0; i < 500; i++)
        {
            writer.Begin(16, NetlinkFlags.None, []).Number(1, (uint)i).End();
        }

        Assert.Equal(500u, writer.Sequence);
        Assert.Equal(12000, writer.Bytes.Length);
        Assert.Equal(499, writer.Bytes[^4] + (writer.Bytes[^3] << 8));
    }

    [Theory]
    [InlineData("0.0.0.0", "publish4", "060000001f900000", "0a5a000500500000")]
    [InlineData("127.0.0.1", "publish4-at", "7f000001060000001f900000", "0a5a000500500000")]
    [InlineData("::", "publish6", "060000001f900000", "fd00000000000000000000000000000500500000")]
    [InlineData("::1", "publish6-at", "00000000000000000000000000000001060000001f900000", "fd00000000000000000000000000000500500000")]
    public void A_published_port_is_an_element_of_the_map_for_its_address(string host, string map, string key, string data)
    {
        byte[] ipv6 = [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5];
        PublishedElement element = PublishedMaps.Element(new PublishedPort(host, 8080, 80, TransportProtocol.Tcp), [10, 90, 0, 5], ipv6, "id");
        Assert.Equal((map, key, data), (element.Map, Convert.ToHexStringLower(element.Element.Key), Convert.ToHexStringLower(element.Element.Data)));
    }
}
