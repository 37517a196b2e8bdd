using System.Text;
using Timur.Oci;
using Xunit;

namespace Timur.Tests.Oci;

public class SpecReadingTests
{
    /// <summary>Programs in Go read names of whatever case, so that some that write config.json don't mind theirs.</summary>
    [Fact]
    public void Names_are_found_whatever_their_case()
    {
        LinuxResources resources = LinuxResourcesOf("""{"hugepagelimits":[{"pagesize":"2MB","LIMIT":4096}],"Memory":{"Limit":1048576},"CPU":{"Shares":300}}""");
        Assert.Equal(("2MB", 4096L, 1048576L, 300UL), (resources.HugepageLimits[0].PageSize, resources.HugepageLimits[0].Limit, resources.Memory.Limit!.Value, resources.Cpu.Shares!.Value));
    }

    [Fact]
    public void The_name_as_the_specification_spells_it_comes_first()
        => Assert.Equal(1048576, LinuxResourcesOf("""{"Memory":{"limit":1},"memory":{"limit":1048576,"LIMIT":2}}""").Memory.Limit);

    [Fact]
    public void A_name_that_only_begins_or_ends_alike_is_another()
        => Assert.Null(LinuxResourcesOf("""{"memories":{"limit":1},"memor":{"limit":1}}""").Memory.Limit);

    [Fact]
    public void A_complaint_names_the_member_as_the_specification_does()
    {
        Failure failure = Assert.Throws<Failure>(() => LinuxResourcesOf("""{"Memory":{"Limit":"much"}}"""));
        Assert.Contains("memory.limit: expected a number, found a string", failure.Message, StringComparison.Ordinal);
    }

    private static LinuxResources LinuxResourcesOf(string json) => SpecJson.ReadResources(Encoding.UTF8.GetBytes(json), "resources");
}
