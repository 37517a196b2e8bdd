using Timur.Kernel;

namespace Timur.SystemTests;

/// <summary>An attacker who exchanges two names all the time, such as a directory and a link out of it, until it is disposed.</summary>
internal sealed class LinkSwapper : IDisposable
{
    private readonly Thread _thread;
    private bool _stop;

    internal LinkSwapper(string one, string other)
    {
        _thread = new Thread(() =>
        {
            while (!Volatile.Read(ref _stop))
            {
                Files.TryExchange(one, other, out _);
            }
        });
        _thread.Start();
    }

    public void Dispose()
    {
        Volatile.Write(ref _stop, true);
        _thread.Join();
    }
}
