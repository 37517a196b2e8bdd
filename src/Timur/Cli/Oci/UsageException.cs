namespace Timur.Cli.Oci;

/// <summary>A command line that isn't one: the verb's help is printed, and the exit code is 1 whatever the verb is.</summary>
/// <param name="isCount">The number of operands is wrong: help is headed without the message.</param>
internal sealed class UsageException(string message, bool isCount = false) : Exception(message)
{
    internal bool IsCount => isCount;
}
