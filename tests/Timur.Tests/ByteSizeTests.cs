using Xunit;

namespace Timur.Tests;

public sealed class ByteSizeTests
{
    [Theory]
    [InlineData("512", 512)]
    [InlineData("64k", 65536)]
    [InlineData("1.5g", 1610612736)]
    [InlineData("10MiB", 10485760)]
    [InlineData("1B", 1)]
    public void A_size_is_read_in_powers_of_1024(string text, long bytes) => Assert.Equal(bytes, ByteSize.Parse(text, "--memory").Bytes);

    [Theory]
    [InlineData("")]
    [InlineData("-1")]
    [InlineData("12x")]
    [InlineData("g")]
    [InlineData("99999999999p")]
    public void A_text_that_is_no_size_is_refused_by_name(string text)
    {
        var failure = Assert.Throws<Failure>(() => ByteSize.Parse(text, "--memory"));
        Assert.Contains("--memory", failure.Message);
    }
}
