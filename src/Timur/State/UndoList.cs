namespace Timur.State;

/// <summary>
/// What has been acquired so far, and how to give it back. Each acquisition registers its undo on the next line; <see cref="Keep"/> at the end
/// of a successful walk forgets them, otherwise Dispose runs them in reverse order.
/// </summary>
public sealed class UndoList : IDisposable
{
    private readonly Stack<(string What, Action Undo)> _undos = new();

    /// <summary>Undos that failed, as sentences; shown with <c>--debug</c> and found again by <c>timur system check</c>.</summary>
    public List<string> Leftovers { get; } = [];

    /// <summary>Registers how to give <paramref name="what"/> back.</summary>
    public void Add(string what, Action undo) => _undos.Push((what, undo));

    /// <summary>Everything stays.</summary>
    public void Keep() => _undos.Clear();

    public void Dispose()
    {
        while (_undos.TryPop(out (string What, Action Undo) next))
        {
            try
            {
                next.Undo();
            }
            catch (Exception e) when (e is Kernel.SyscallException or IOException or Failure)
            {
                Leftovers.Add($"{next.What}: {e.Message}");
            }
        }
    }
}
