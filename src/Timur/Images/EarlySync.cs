using Timur.Kernel;

namespace Timur.Images;

/// <summary>
/// Has the disk write what a growing tree holds so far, beside whoever fills it: the wait for the disk at the end is short then. By syncfs(2), since what that writes is
/// written by the kernel's own threads.
/// </summary>
internal sealed class EarlySync : IDisposable
{
    /// <summary>Bytes that are worth asking the disk for.</summary>
    private const long Portion = 24 << 20;

    private readonly object _gate = new();
    private readonly Fd _directory;
    private readonly string _path;
    private Thread? _thread;
    private SyscallException? _error;
    private long _waiting;
    private bool _isClosed;

    internal EarlySync(string directory)
    {
        _path = directory;

        // An error of the disk is told once to each descriptor that was open before it: so one for all.
        _directory = Files.Open(directory, Open.Read | Open.Directory);
    }

    /// <summary>So many bytes more are in the tree.</summary>
    internal void Wrote(long bytes)
    {
        lock (_gate)
        {
            _waiting += bytes;
            if (_waiting < Portion)
            {
                return;
            }

            _thread ??= Start();
            Monitor.Pulse(_gate);
        }
    }

    /// <summary>Returns when all of it is on the disk.</summary>
    internal void Finish()
    {
        Stop();
        if (_error is not null)
        {
            throw _error;
        }

        Files.SyncFileSystem(_directory, _path);
    }

    public void Dispose()
    {
        Stop();
        _directory.Dispose();
    }

    private Thread Start()
    {
        var thread = new Thread(Run, maxStackSize: 256 * 1024) { IsBackground = true, Name = "early sync" };
        thread.Start();
        return thread;
    }

    private void Run()
    {
        while (WaitForPortion())
        {
            try
            {
                Files.SyncFileSystem(_directory, _path);
            }
            catch (SyscallException e)
            {
                _error = e;
                return;
            }
        }
    }

    private bool WaitForPortion()
    {
        lock (_gate)
        {
            while (_waiting < Portion && !_isClosed)
            {
                Monitor.Wait(_gate);
            }

            _waiting = 0;
            return !_isClosed;
        }
    }

    private void Stop()
    {
        lock (_gate)
        {
            _isClosed = true;
            Monitor.Pulse(_gate);
        }

        _thread?.Join();
    }
}
