using Timur.Kernel;
using Xunit;

namespace Timur.Tests;

public sealed class DirectoriesTests
{
    [Fact]
    public void A_directory_that_was_removed_while_it_is_open_has_no_entries()
    {
        string path = Directory.CreateTempSubdirectory("timur-unit-").FullName;
        using Fd open = Files.Open(path, Open.Read | Open.Directory);
        File.WriteAllText(path + "/file", "");
        Assert.Equal(["file"], Directories.List(open).Select(entry => entry.Name));
        Directory.Delete(path, recursive: true);
        using (Fd empty = Files.Open("/proc/self/fd/" + open.Raw, Open.Read | Open.Directory))
        {
            Assert.Empty(Directories.List(empty));
        }

        Assert.Empty(Directories.List(path));
    }
}
