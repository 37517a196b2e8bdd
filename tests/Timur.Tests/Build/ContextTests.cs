using System.Text;
using Timur.Build.Contexts;
using Timur.Kernel;
using Xunit;

namespace Timur.Tests.Build;

public sealed class ContextTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("timur-context-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory]
    [InlineData("*.txt", "a.txt", true)]
    [InlineData("*.txt", "d/a.txt", false)]
    [InlineData("**/*.txt", "d/e/a.txt", true)]
    [InlineData("**/*.txt", "a.txt", true)]
    [InlineData("a/**/b", "a/b", true)]
    [InlineData("a/**/b", "a/x/y/b", true)]
    [InlineData("a/**", "a/x/y", true)]
    [InlineData("a?c", "abc", true)]
    [InlineData("a?c", "a/c", false)]
    [InlineData("[a-c]x", "bx", true)]
    [InlineData("[^a-c]x", "bx", false)]
    [InlineData("\\*", "*", true)]
    [InlineData("\\*", "a", false)]
    [InlineData("*a*b*c", "xaxbxc", true)]
    [InlineData("[", "[", true)]
    public void Patterns_match_within_names_and_double_stars_across_directories(string pattern, string path, bool expected) => Assert.Equal(expected, Glob.Matches(pattern, path));

    [Theory]
    [InlineData("*\n!keep", "x", true)]
    [InlineData("*\n!keep", "keep", false)]
    [InlineData("*\n!keep", "keep/in", false)]
    [InlineData("dir", "dir/deep/file", true)]
    [InlineData("/dir/", "dir/x", true)]
    [InlineData("dir\n!dir/x\ndir/x/y", "dir/x/y", true)]
    [InlineData("dir\n!dir/x\ndir/x/y", "dir/x/z", false)]
    [InlineData("# comment\n\n  *.log  ", "a.log", true)]
    [InlineData("!a\na", "a", true)]
    [InlineData("./a/../b", "b", false)]
    [InlineData("**/node_modules", "x/node_modules/y", true)]
    public void The_last_rule_that_fits_decides(string rules, string path, bool ignored) => Assert.Equal(ignored, IgnoreRules.Parse(rules).Ignores(path));

    [Fact]
    public void A_directory_that_is_left_out_comes_along_when_something_in_it_is_brought_back()
    {
        Directory.CreateDirectory(_directory + "/out/deep/er");
        Directory.CreateDirectory(_directory + "/gone/x");
        File.WriteAllText(_directory + "/out/deep/er/kept", "");
        File.WriteAllText(_directory + "/out/lost", "");
        File.WriteAllText(_directory + "/plain", "");
        using SourceTree tree = Tree("*\n!plain\n!out/deep/er/kept");
        Assert.Equal(["out", "out/deep", "out/deep/er", "out/deep/er/kept", "plain"], Walk(tree, "."));
    }

    [Fact]
    public void Sources_are_found_by_pattern_through_links_and_never_outside()
    {
        Directory.CreateDirectory(_directory + "/in/sub");
        File.WriteAllText(_directory + "/in/one.c", "");
        File.WriteAllText(_directory + "/in/two.c", "");
        File.WriteAllText(_directory + "/in/sub/three.c", "");
        File.CreateSymbolicLink(_directory + "/link", "in");
        File.CreateSymbolicLink(_directory + "/out", "/etc");
        using SourceTree tree = Tree("");
        Assert.Equal(["in/one.c", "in/two.c"], tree.Find("in/*.c").Select(match => match.Path));
        Assert.Equal(["in/one.c", "in/sub/three.c", "in/two.c"], tree.Find("**/*.c").Select(match => match.Path).Order(StringComparer.Ordinal));
        Assert.Equal("in/one.c", Assert.Single(tree.Find("/link/one.c")).Real);
        Assert.Equal("in/one.c", Assert.Single(tree.Find("../../in/../in/./one.c")).Real);
        Assert.Empty(tree.Find("out/passwd"));
        Assert.Empty(tree.Find("missing*"));
    }

    private SourceTree Tree(string rules) => new(Files.Open(_directory, Open.Read | Open.Directory), IgnoreRules.Parse(rules), keepsOwners: false, "the context");

    private static List<string> Walk(SourceTree tree, string source)
    {
        var paths = new List<string>();
        tree.Walk(Assert.Single(tree.Find(source)), IgnoreRules.None, entry => paths.Add(Encoding.UTF8.GetString(entry.Path)));
        return paths;
    }
}
