using Timur.Cgroups;
using Xunit;

namespace Timur.Tests.Cgroups;

public class CpuWeightTests
{
    /// <summary>The ends, the defaults, and what runc 1.3.2 and crun 1.23 make of 512.</summary>
    [Theory]
    [InlineData(0, 100)]
    [InlineData(1, 1)]
    [InlineData(2, 1)]
    [InlineData(3, 2)]
    [InlineData(512, 59)]
    [InlineData(1024, 100)]
    [InlineData(262_144, 10_000)]
    [InlineData(ulong.MaxValue, 10_000)]
    public void Shares_become_weights(ulong shares, ulong weight) => Assert.Equal(weight, CpuController.ToWeight(shares));

    [Fact]
    public void More_shares_are_never_less_weight()
    {
        ulong before = 0;
        for (ulong shares = 1; shares <= 300_000; shares++)
        {
            ulong weight = CpuController.ToWeight(shares);
            Assert.True(weight >= before && weight is >= 1 and <= 10_000, $"{shares} shares: {weight} after {before}");
            before = weight;
        }
    }
}
