using Timur.Engine;

namespace Timur.Cli;

/// <summary>Keeps the store to its budget after something came, and says what went for it.</summary>
internal static class BudgetNote
{
    /// <param name="image">The id of what came.</param>
    internal static void Keep(CommandContext context, string image)
    {
        foreach (string line in StoreBudget.Keep(context.Paths, image))
        {
            CommandContext.Note($"timur: the store is over its budget: removed {line}");
        }
    }
}
