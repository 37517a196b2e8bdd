using Timur.Runtime.Containers;
using Timur.Systemd;
using Xunit;

namespace Timur.Tests.Oci;

/// <summary>What annotations and files of cgroup v2 become as properties of systemd's units.</summary>
public class SystemdPropertyTests
{
    [Theory]
    [InlineData("CollectMode", "'inactive-or-failed'", "CollectMode s 12000000696E6163746976652D6F722D6661696C656400")]
    [InlineData("TimeoutStopUSec", "uint64 7000000", "TimeoutStopUSec t C0CF6A0000000000")]
    [InlineData("TimeoutStopSec", "1.5", "TimeoutStopUSec t 60E3160000000000")]
    [InlineData("KillSignal", "9", "KillSignal i 09000000")]
    [InlineData("SendSIGHUP", "true", "SendSIGHUP b 01000000")]
    [InlineData("After", "['a', \"b\"]", "After as 0E0000000100000061000000010000006200")]
    public void An_annotation_is_a_property_of_the_unit(string name, string value, string expected)
        => Assert.Equal(expected, Assert.Single(Annotated(name, value)));

    [Theory]
    [InlineData("TimeoutStopUSec", "soon")]
    [InlineData("TimeoutStopSec", "-1")]
    [InlineData("Description", "'half")]
    [InlineData("Description", "'it's'")]
    [InlineData("After", "['a', b]")]
    [InlineData("KillSignal", "9999999999")]
    [InlineData("A.b", "1")]
    [InlineData("", "1")]
    public void An_annotation_that_cannot_be_read_is_refused_by_its_name(string name, string value)
        => Assert.Contains("org.systemd.property." + name, Assert.Throws<Failure>(() => Annotated(name, value)).Message, StringComparison.Ordinal);

    [Fact]
    public void Other_annotations_are_nothing_to_systemd() => Assert.Empty(SystemdAnnotations.Of(new Dictionary<string, string> { ["org.systemd.properties"] = "x", ["io.kubernetes.pod"] = "y" }));

    [Theory]
    [InlineData("memory.high", "20000000", 252, "MemoryHigh t 002D310100000000")]
    [InlineData("memory.min", "max", 252, "MemoryMin t FFFFFFFFFFFFFFFF")]
    [InlineData("pids.max", "77\n", 252, "TasksMax t 4D00000000000000")]
    [InlineData("io.weight", "default 222", 252, "IOWeight t DE00000000000000")]
    [InlineData("cpu.max", "20000 50000", 252, "CPUQuotaPeriodUSec t 50C3000000000000, CPUQuotaPerSecUSec t 801A060000000000")]
    [InlineData("cpu.max", "max", 252, "CPUQuotaPerSecUSec t FFFFFFFFFFFFFFFF")]
    [InlineData("cpuset.cpus", "1", 252, "AllowedCPUs ay 080000000200000000000000")]
    [InlineData("cpu.idle", "1", 252, "CPUWeight t 0000000000000000")]
    [InlineData("cpu.idle", "1", 251, "")]
    [InlineData("memory.oom.group", "1", 252, "")]
    public void A_file_of_cgroup_v2_is_the_property_that_systemd_writes_it_from(string file, string value, int version, string expected)
        => Assert.Equal(expected, string.Join(", ", SystemdUnified.Of(new Dictionary<string, string> { [file] = value }, () => version).Select(Shown)));

    [Theory]
    [InlineData("memory.high", "much")]
    [InlineData("cpu.max", "")]
    [InlineData("cpu.max", "0")]
    [InlineData("cpu.max", "1 2 3")]
    public void A_value_that_its_file_would_not_take_is_refused(string file, string value)
        => Assert.Contains($"linux.resources.unified: {file}", Assert.Throws<Failure>(() => SystemdUnified.Of(new Dictionary<string, string> { [file] = value }, () => 252).ToList()).Message, StringComparison.Ordinal);

    private static List<string> Annotated(string name, string value) => [.. SystemdAnnotations.Of(new Dictionary<string, string> { ["org.systemd.property." + name] = value }).Select(Shown)];

    private static string Shown(UnitProperty property)
    {
        var writer = new DBusWriter();
        property.Write(writer);
        return $"{property.Name} {property.Signature} {Convert.ToHexString(writer.ToBytes())}";
    }
}
