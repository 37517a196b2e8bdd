using Xunit;

namespace Timur.SystemTests;

/// <summary>Many launches under load (bench/launches, which by itself does 10,000).</summary>
public class OciLoadTests
{
    [Fact]
    public void Hundreds_of_launches_with_every_processor_busy_neither_hang_nor_leave_anything()
    {
        Outcome outcome = TimurCommand.Execute(VirtualMachine.SourceDirectory() + "/bench/launches", ["400"], milliseconds: 600_000);
        Assert.True(outcome is { Code: 0, Out: "400 launches, none hung, nothing left\n" }, outcome.ToString());
    }
}
