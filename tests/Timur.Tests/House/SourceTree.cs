using System.Text.RegularExpressions;

namespace Timur.Tests.House;

/// <summary>The repository that this test was built from, found upwards from the test's own directory.</summary>
internal static class SourceTree
{
    internal static string Root { get; } = FindRoot();

    /// <summary>The product's source files.</summary>
    internal static IReadOnlyList<SourceFile> Product { get; } = Read("src/Timur", "src/Timur.Kernel");

    internal static IReadOnlyList<SourceFile> Tests { get; } = Read("tests/Timur.Tests", "tests/Timur.SystemTests");

    internal static string ReadText(string path) => File.ReadAllText(Path.Combine(Root, path));

    private static string FindRoot()
    {
        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            if (File.Exists(directory.FullName + "/timur.slnx"))
            {
                return directory.FullName;
            }
        }

        throw new DirectoryNotFoundException("no timur.slnx above " + AppContext.BaseDirectory);
    }

    private static List<SourceFile> Read(params string[] projects)
        => [.. from project in projects
               from path in Directory.EnumerateFiles(Path.Combine(Root, project), "*.cs", SearchOption.AllDirectories)
               let inside = Path.GetRelativePath(Path.Combine(Root, project), path)
               where !inside.StartsWith("obj/", StringComparison.Ordinal) && !inside.StartsWith("bin/", StringComparison.Ordinal)
               orderby path
               select new SourceFile(Path.GetFileName(project), inside, File.ReadAllText(path))];
}

/// <summary>A C# file of one project.</summary>
/// <param name="Project">The project's directory and name.</param>
/// <param name="Inside">The path below the project's directory.</param>
internal sealed partial record SourceFile(string Project, string Inside, string Text)
{
    /// <summary>The namespace that the file's place asks for.</summary>
    internal string ExpectedNamespace => string.Join('.', [Project, .. Inside.Split('/')[..^1]]);

    internal string Namespace => NamespaceLine().Match(Text) is { Success: true } match ? match.Groups[1].Value : "";

    internal int Lines => Text.Count(c => c == '\n');

    /// <summary>The text without comments and the insides of literals.</summary>
    internal string Code { get; } = NotCode().Replace(Text, match => match.Value.StartsWith('/') ? "" : "\"\"");

    internal IEnumerable<string> ImportedNamespaces => UsingLine().Matches(Code).Select(match => match.Groups[1].Value);

    /// <summary>Dotted names in the code, as in <c>Kernel.Open.Read</c>, that may start with a room.</summary>
    internal IEnumerable<string> QualifiedNames => DottedName().Matches(Code).Select(match => match.Value);

    public override string ToString() => $"{Project}/{Inside}";

    [GeneratedRegex(@"^namespace ([\w.]+)", RegexOptions.Multiline)]
    private static partial Regex NamespaceLine();

    [GeneratedRegex(@"^using (?:static |\w+ = )?([\w.]+)", RegexOptions.Multiline)]
    private static partial Regex UsingLine();

    [GeneratedRegex(@"(?<![\w.])[A-Z]\w*(?:\.[A-Z]\w*)+")]
    private static partial Regex DottedName();

    [GeneratedRegex("""//[^\n]*|/\*.*?\*/|\"{3,}.*?\"{3,}|\$*@\$?"(?:[^"]|"")*"|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)+'""", RegexOptions.Singleline)]
    private static partial Regex NotCode();
}
