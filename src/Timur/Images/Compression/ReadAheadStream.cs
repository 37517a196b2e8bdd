using System.Runtime.ExceptionServices;

namespace Timur.Images.Compression;

/// <summary>
/// Reads its source on a thread of its own, a few pieces ahead of whoever reads from it: decompressing and writing files then use two processors. What the source
/// throws comes to the reader after the bytes before it. Closing waits for a read that is under way, so the source must be one that doesn't wait for ever.
/// </summary>
internal sealed class ReadAheadStream : ForwardStream
{
    /// <summary>Bytes; all pieces together stay in the processor's cache.</summary>
    private const int PieceSize = 128 * 1024;
    private const int Pieces = 8;

    /// <summary>Whoever had to wait goes on when so many are there for it: else each piece would wake somebody.</summary>
    private const int Worthwhile = Pieces / 2;

    // A monitor, since what else waits in .NET spins first, and burns what this is to save.
    private readonly object _gate = new();
    private readonly byte[][] _pieces = [.. Enumerable.Range(0, Pieces).Select(_ => new byte[PieceSize])];
    private readonly int[] _lengths = new int[Pieces];
    private readonly Stream _source;
    private readonly bool _leaveOpen;
    private readonly Thread _thread;
    private long _filled;
    private long _emptied;
    private int _taken;
    private bool _isClosed;
    private ExceptionDispatchInfo? _error;

    /// <param name="source">Closed with this one, unless it is to stay open.</param>
    internal ReadAheadStream(Stream source, bool leaveOpen = false)
    {
        (_source, _leaveOpen) = (source, leaveOpen);
        _thread = new Thread(Fill, maxStackSize: 512 * 1024) { IsBackground = true, Name = "read ahead" };
        _thread.Start();
    }

    public override int Read(Span<byte> buffer)
    {
        int slot = (int)(_emptied % Pieces);
        if (_taken == 0)
        {
            WaitForPiece();
        }

        int count = Math.Min(buffer.Length, _lengths[slot] - _taken);
        _pieces[slot].AsSpan(_taken, count).CopyTo(buffer);
        _taken += count;
        if (_taken == _lengths[slot] && count > 0)
        {
            _taken = 0;
            lock (_gate)
            {
                _emptied++;
                if (_filled - _emptied <= Pieces - Worthwhile)
                {
                    Monitor.Pulse(_gate);
                }
            }
        }
        else if (_lengths[slot] == 0)
        {
            // The end stays where it is: whoever asks again hears the same.
            _error?.Throw();
        }

        return count;
    }

    private void WaitForPiece()
    {
        lock (_gate)
        {
            while (_filled == _emptied)
            {
                Monitor.Wait(_gate);
            }
        }
    }

    /// <summary>A piece without bytes is the last.</summary>
    private void Fill()
    {
        bool isEnd = false;
        while (!isEnd && WaitForRoom())
        {
            int slot = (int)(_filled % Pieces);
            _lengths[slot] = ReadPiece(_pieces[slot]);
            isEnd = _lengths[slot] == 0;
            lock (_gate)
            {
                _filled++;
                if (isEnd || _filled - _emptied >= Worthwhile)
                {
                    Monitor.Pulse(_gate);
                }
            }
        }
    }

    private bool WaitForRoom()
    {
        lock (_gate)
        {
            while (_filled - _emptied == Pieces && !_isClosed)
            {
                Monitor.Wait(_gate);
            }

            return !_isClosed;
        }
    }

    private int ReadPiece(Span<byte> piece)
    {
        if (_error is not null)
        {
            return 0;
        }

        int length = 0;
        try
        {
            int count = 1;
            while (length < piece.Length && count > 0)
            {
                count = _source.Read(piece[length..]);
                length += count;
            }
        }
#pragma warning disable CA1031 // Whatever it is, it is the reader's: he gets it where he reads.
        catch (Exception e)
#pragma warning restore CA1031
        {
            _error = ExceptionDispatchInfo.Capture(e);
        }

        return length;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && !_isClosed)
        {
            lock (_gate)
            {
                _isClosed = true;
                Monitor.Pulse(_gate);
            }

            _thread.Join();
            if (!_leaveOpen)
            {
                _source.Dispose();
            }
        }

        base.Dispose(disposing);
    }
}
