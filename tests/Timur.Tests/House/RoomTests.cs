using Xunit;

namespace Timur.Tests.House;

public class RoomTests
{
    private static readonly RoomTable Table = RoomTable.Documented;

    private static readonly (string User, string Used, string Example)[] CompiledArrows =
        [.. from pair in CompiledReferences.Of(typeof(Failure).Assembly, typeof(Kernel.Fd).Assembly)
            let arrow = (User: RoomTable.RoomOf(pair.User), Used: RoomTable.RoomOf(pair.Used))
            where arrow.User != arrow.Used
            group $"{pair.User.Name} uses {pair.Used.Name}" by arrow into arrows
            select (arrows.Key.User, arrows.Key.Used, arrows.First())];

    [Fact]
    public void Every_room_of_the_sources_is_in_the_table_and_every_room_of_the_table_in_the_sources()
    {
        var inSources = SourceTree.Product.Where(file => file.Namespace != "Timur").Select(file => RoomTable.RoomOf(file.Namespace)).Distinct().Order();
        Assert.Equal(inSources, Table.Folders.Order());
        var files = SourceTree.Product.Where(file => file.Namespace == "Timur").Select(file => Path.GetFileNameWithoutExtension(file.Inside)).Order();
        Assert.Equal(files, Table.Rooms.Except(Table.Folders).Order());
    }

    [Fact]
    public void No_compiled_type_uses_a_room_that_its_own_may_not()
    {
        Assert.Contains(CompiledArrows, arrow => (arrow.User, arrow.Used) == ("Cgroups", "Kernel"));
        Assert.DoesNotContain(CompiledArrows, arrow => !Table.Allows(arrow.User, arrow.Used));
    }

    /// <summary>Constants and names leave no trace in compiled code: the sources are read too.</summary>
    [Fact]
    public void No_source_file_imports_or_spells_out_a_room_that_its_own_may_not()
    {
        HashSet<string> folders = [.. Table.Folders];
        var arrows = (from file in SourceTree.Product
                      let user = file.Namespace == "Timur" ? Path.GetFileNameWithoutExtension(file.Inside) : RoomTable.RoomOf(file.Namespace)
                      from name in file.ImportedNamespaces.Concat(file.QualifiedNames)
                      let used = LongestRoom(folders, name)
                      where used is not null
                      select (User: user, Used: used, File: file.ToString())).ToList();
        Assert.Contains(arrows, arrow => (arrow.User, arrow.Used) == ("Networks", "Kernel/Netlink"));
        Assert.DoesNotContain(arrows, arrow => !Table.Allows(arrow.User, arrow.Used));
    }

    [Fact]
    public void No_arrows_go_round_in_a_circle_but_those_between_the_engine_and_its_monitoring()
    {
        (string User, string Used)[] documented = [("Engine", "Engine/Monitoring"), ("Engine/Monitoring", "Engine")];
        Assert.Empty(Circle(CompiledArrows.Select(arrow => (arrow.User, arrow.Used)).Except(documented)));
        Assert.NotEmpty(Circle(documented));
    }

    [Theory]
    [InlineData("Images", "Storage", false)]
    [InlineData("Kernel", "Kernel/Launcher", false)]
    [InlineData("Kernel/Launcher", "Kernel", true)]
    [InlineData("Kernel/Launcher", "Kernel/Netlink", false)]
    [InlineData("Networks", "Kernel/Netlink", true)]
    [InlineData("Runtime", "Runtime/Seccomp", false)]
    [InlineData("Engine", "Runtime/Seccomp", true)]
    [InlineData("Engine", "Cli", false)]
    [InlineData("Oci", "Failure", true)]
    public void The_table_is_read_as_it_is_meant(string user, string used, bool allowed) => Assert.Equal(allowed, Table.Allows(user, used));

    [Fact]
    public void A_table_that_names_an_unknown_room_is_refused()
        => Assert.Throws<FormatException>(() => new RoomTable("| room | may use |\n|---|---|\n| Oci | Kernal |\n"));

    private static string? LongestRoom(HashSet<string> folders, string name)
    {
        string[] parts = (name.StartsWith("Timur.", StringComparison.Ordinal) ? name["Timur.".Length..] : name).Split('.');
        return Enumerable.Range(1, parts.Length).Select(count => string.Join('/', parts[..count])).LastOrDefault(folders.Contains);
    }

    /// <summary>What is left when whoever uses nobody, or is used by nobody, has been taken away over and over.</summary>
    private static List<(string User, string Used)> Circle(IEnumerable<(string User, string Used)> arrows)
    {
        List<(string User, string Used)> left = [.. arrows];
        for (int before = int.MaxValue; left.Count < before;)
        {
            before = left.Count;
            left = [.. left.Where(arrow => left.Any(next => next.User == arrow.Used) && left.Any(next => next.Used == arrow.User))];
        }

        return left;
    }
}
