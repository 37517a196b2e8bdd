using Timur.Images;
using Timur.Kernel;
using Xunit;

namespace Timur.Tests.Images;

/// <summary>The disk writes beside whoever fills a tree; that ends in every order.</summary>
public sealed class EarlySyncTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("timur-test-").FullName;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(200 << 20)]
    public void It_ends_after_any_number_of_bytes(long bytes)
    {
        using var disk = new EarlySync(_directory);
        for (int i = 0; i < 20; i++)
        {
            disk.Wrote(bytes);
        }

        disk.Finish();
    }

    [Fact]
    public void It_ends_when_the_tree_is_given_up()
    {
        using var disk = new EarlySync(_directory);
        disk.Wrote(200 << 20);
    }

    [Fact]
    public void A_tree_that_is_not_there_is_an_error_at_once()
        => Assert.Equal(Errno.ENOENT, Assert.Throws<SyscallException>(() => new EarlySync(_directory + "/none")).Errno);

    public void Dispose() => Directory.Delete(_directory, recursive: true);
}
