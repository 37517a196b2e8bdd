using Timur.Engine;

namespace Timur.Cli;

/// <summary>Does the same to several containers: a failure is reported, the others still get their turn.</summary>
internal static class ForEach
{
    /// <summary>The exit code: 0, or the first failure's.</summary>
    internal static int Container(CommandContext context, IReadOnlyList<string> names, Action<ContainerStore, Container> act, int notFound = 125, bool quiet = false)
    {
        var store = new ContainerStore(context.Paths);
        int code = 0;
        foreach (string name in names)
        {
            try
            {
                act(store, store.Find(name, notFound));
                if (!quiet)
                {
                    context.Out(name);
                }
            }
            catch (Exception e) when (e is Failure or Kernel.SyscallException)
            {
                int failed = CommandContext.Report(e, context.Debug);
                code = code == 0 ? failed : code;
            }
        }

        return code;
    }
}
