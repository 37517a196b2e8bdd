namespace Timur.SystemTests.Registries;

/// <summary>Directory trees as text that can be compared.</summary>
internal static class Tree
{
    /// <summary>Everything but what hides a file below, which looks different in an archive and in a layer.</summary>
    internal static string Listing(string directory)
        => TimurCommand.Execute("sh", ["-c", $"cd {directory} && find . ! -name '*hidden' -printf '%p %y %m %U %G %T@ %l %n ' '(' -type f -printf %s ')' -o -printf - , -printf '\\n' | sort; find . -type f ! -name '*hidden' -print0 | sort -z | xargs -0 sha256sum"]).Out;
}
