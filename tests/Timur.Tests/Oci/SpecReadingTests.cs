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

    /// <summary>The figures are those that Go's encoding/json makes of the same text.</summary>
    [Theory]
    [InlineData("""{"Memory":{"limit":1},"memory":{"limit":1048576,"LIMIT":2}}""", 2L, null, null)]
    [InlineData("""{"cpu":{"quota":1000,"cpus":"0"},"CPU":{"quota":2000}}""", null, 2000L, "0")]
    [InlineData("""{"CPU":{"quota":1000},"cpu":{"cpus":"1"}}""", null, 1000L, "1")]
    [InlineData("""{"cpu":{"quota":1000,"cpus":"0"},"cpu":{},"cpu":{"cpus":"0-1"}}""", null, 1000L, "0-1")]
    [InlineData("""{"cpu":{"quota":1000,"cpus":"0"},"Cpu":null}""", null, null, null)]
    [InlineData("""{"cpu":{"quota":1000,"cpus":"0"},"Cpu":null,"CPU":{"quota":3000}}""", null, 3000L, null)]
    [InlineData("""{"cpu":{"quota":1000,"cpus":"0","cpus":null}}""", null, 1000L, "0")]
    [InlineData("""{"cpu":{"quota":1000,"quota":null}}""", null, null, null)]
    [InlineData("""{"\u0063pu":{"quota":1000},"\u0043PU":{"quot\u0061":4000}}""", null, 4000L, null)]
    public void A_member_that_is_there_several_times_is_read_over_itself(string json, long? memory, long? quota, string? cpus)
    {
        LinuxResources resources = LinuxResourcesOf(json);
        Assert.Equal((memory, quota, cpus), (resources.Memory.Limit, resources.Cpu.Quota, resources.Cpu.Cpus));
    }

    [Fact]
    public void Maps_and_arrays_that_are_there_several_times_are_read_over_themselves()
    {
        LinuxResources resources = LinuxResourcesOf("""
            {"unified":{"a":"1","b":"2"},"Unified":{"b":"3","B":"4"},"hugepageLimits":[{"pageSize":"2MB","limit":1},{"pageSize":"1GB","limit":2}],"hugepagelimits":[{"limit":5}]}
            """);
        Assert.Equal([("2MB", 5L)], resources.HugepageLimits);
        Assert.Equal([("a", "1"), ("b", "3"), ("B", "4")], resources.Unified.Select(pair => (pair.Key, pair.Value)));
    }

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
