using Xunit;

namespace Timur.SystemTests.Engines;

/// <summary>What the README tells users to write into their configurations: the tests take the lines from there.</summary>
internal static class Readme
{
    /// <summary>The indented block that contains a text; without its indentation.</summary>
    internal static string Block(string text)
    {
        string[] blocks = File.ReadAllText(Path.Combine(VirtualMachine.SourceDirectory(), "README.md")).Split("\n\n");
        string block = Assert.Single(blocks, block => block.StartsWith("    ", StringComparison.Ordinal) && block.Contains(text, StringComparison.Ordinal));
        return string.Join('\n', block.Split('\n').Select(line => line.StartsWith("    ", StringComparison.Ordinal) ? line[4..] : line));
    }
}
