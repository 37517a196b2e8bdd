using System.Text.RegularExpressions;
using Xunit;

namespace Timur.Tests.House;

public partial class SourceRuleTests
{
    private const int LinesOfAFile = 420;

    [Fact]
    public void A_files_namespace_is_its_folder()
        => Assert.DoesNotContain(SourceTree.Product.Concat(SourceTree.Tests), file => file.Namespace != file.ExpectedNamespace && file.Lines > 5);

    [Fact]
    public void A_file_can_be_read_in_one_sitting()
        => Assert.Empty(SourceTree.Product.Concat(SourceTree.Tests).Where(file => file.Lines > LinesOfAFile).Select(file => $"{file}: {file.Lines} lines"));

    [Fact]
    public void Unsafe_code_is_in_the_kernel_assembly_only()
    {
        Assert.Contains(SourceTree.Product, file => UnsafeWord().IsMatch(file.Code) && file.Project == "Timur.Kernel");
        Assert.DoesNotContain(SourceTree.Product, file => UnsafeWord().IsMatch(file.Code) && file.Project != "Timur.Kernel");
        Assert.DoesNotContain("AllowUnsafeBlocks", SourceTree.ReadText("src/Timur/Timur.csproj") + SourceTree.ReadText("Directory.Build.props"));
    }

    [Fact]
    public void Comments_and_literals_are_no_code()
    {
        var file = new SourceFile("Timur", "X.cs", "a /* unsafe */ \"unsafe \\\" unsafe\" @\"\\\" 'u' \"\"\"\nunsafe \" unsafe\n\"\"\" b // unsafe\nc $\"{x}\" unsafe");
        Assert.Equal("a  \"\" \"\" \"\" \"\" b \nc $\"\" unsafe", file.Code);
    }

    [GeneratedRegex(@"\bunsafe\b")]
    private static partial Regex UnsafeWord();
}
