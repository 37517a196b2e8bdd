using Timur.Engine;

namespace Timur.Cli;

/// <summary>What a prune removed, and what that gave back.</summary>
internal static class PruneOutput
{
    internal static void Print(CommandContext context, PrunedThings pruned)
    {
        foreach (string line in pruned.Removed)
        {
            context.Out(line);
        }

        context.Out($"Total reclaimed space: {new ByteSize(pruned.Bytes).ToDecimalString()}");
    }
}
