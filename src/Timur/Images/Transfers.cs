using System.Runtime.ExceptionServices;

namespace Timur.Images;

/// <summary>Several transfers side by side.</summary>
internal static class Transfers
{
    /// <summary>Works through the list with so many threads at most; the first failure stops the others and is thrown.</summary>
    internal static void Run<T>(IReadOnlyList<T> items, int atOnce, CancellationTokenSource stop, Action<T> work)
    {
        int next = -1;
        Exception? failure = null;
        var threads = new List<Thread>();
        for (int i = 0; i < Math.Min(atOnce, items.Count); i++)
        {
            var thread = new Thread(() =>
            {
                try
                {
                    int index;
                    while (!stop.IsCancellationRequested && (index = Interlocked.Increment(ref next)) < items.Count)
                    {
                        work(items[index]);
                    }
                }
#pragma warning disable CA1031 // carried over to the thread that waits
                catch (Exception e)
#pragma warning restore CA1031
                {
                    Interlocked.CompareExchange(ref failure, e, null);
                    stop.Cancel();
                }
            });
            thread.Start();
            threads.Add(thread);
        }

        threads.ForEach(thread => thread.Join());
        if (failure is not null)
        {
            ExceptionDispatchInfo.Throw(failure);
        }

        stop.Token.ThrowIfCancellationRequested();
    }
}
