using System.Diagnostics;

namespace Timur.Images.Compression;

/// <summary>What this machine's own program makes of a stream, for formats that are rare by now: <c>xz</c>, <c>bzip2</c>.</summary>
internal sealed class ProgramStream : ForwardStream
{
    private readonly Process _process;
    private readonly Task<string> _complaints;
    private readonly Task _feeding;

    private ProgramStream(Process process, Stream compressed)
    {
        _process = process;
        _complaints = process.StandardError.ReadToEndAsync();
        Stream input = process.StandardInput.BaseStream;
        _feeding = Task.Run(() => Feed(compressed, input));
    }

    /// <summary>A program that isn't there is a <see cref="Failure"/>; one that complains ends the stream with an <see cref="InvalidDataException"/>.</summary>
    internal static ProgramStream Start(string program, IReadOnlyList<string> words, Stream compressed)
    {
        try
        {
            return new ProgramStream(
                Process.Start(new ProcessStartInfo(program, words) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })!, compressed);
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new Failure($"the archive is compressed with {program}, which this machine hasn't got", $"install {program}, or use gzip or zstd", cause: e);
        }
    }

    public override int Read(Span<byte> buffer)
    {
        int count = _process.StandardOutput.BaseStream.Read(buffer);
        if (count > 0 || buffer.Length == 0)
        {
            return count;
        }

        // What goes wrong with the source is said as such, and not as the program sees it.
        _feeding.GetAwaiter().GetResult();
        _process.WaitForExit();
        return _process.ExitCode == 0 ? 0 : throw new InvalidDataException(_complaints.Result.Trim());
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && !_process.HasExited)
        {
            _process.Kill();
        }

        _process.Dispose();
        base.Dispose(disposing);
    }

    private static void Feed(Stream compressed, Stream input)
    {
        byte[] buffer = new byte[128 * 1024];
        try
        {
            int count;
            while ((count = compressed.Read(buffer)) > 0 && TryWrite(input, buffer.AsSpan(0, count)))
            {
            }
        }
        finally
        {
            input.Dispose();
        }
    }

    /// <summary>False when it was read as far as it was wanted, or the program has complained.</summary>
    private static bool TryWrite(Stream input, ReadOnlySpan<byte> bytes)
    {
        try
        {
            input.Write(bytes);
            return true;
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            return false;
        }
    }
}
