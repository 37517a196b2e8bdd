using System.Text;
using Timur.Kernel;

namespace Timur.Cli;

/// <summary>The file of <c>--logfile</c>: lines are added at its end, as buildah does.</summary>
internal sealed class LogFile(Fd file) : IDisposable
{
    private bool _isClosed;

    /// <summary>A file that can't be written is a <see cref="Failure"/>.</summary>
    internal static LogFile Open(string path)
        => new(Files.TryOpen(path, Kernel.Open.Write | Kernel.Open.Create | Kernel.Open.Append, out Errno why) ?? throw new Failure($"--logfile {path}: {why.Describe()}", "give a file that can be written"));

    /// <summary>False once it is closed, or when its disk is full.</summary>
    internal bool TryWrite(string line) => !_isClosed && Files.TryWrite(file, Encoding.UTF8.GetBytes(line + "\n"), out _);

    public void Dispose()
    {
        _isClosed = true;
        file.Dispose();
    }
}
