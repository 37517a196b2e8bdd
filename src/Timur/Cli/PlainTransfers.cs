using Timur.Images;

namespace Timur.Cli;

/// <summary>Progress as lines on standard error: what began and how it ended.</summary>
internal sealed class PlainTransfers : ITransferProgress
{
    public void Begin(string layer, long size) => CommandContext.Note($"{layer}: {new ByteSize(size).ToDecimalString()}");

    public void Advance(string layer, long bytes)
    {
    }

    public void End(string layer, string how) => CommandContext.Note($"{layer}: {how}");

    public void Say(string line) => CommandContext.Note(line);
}

/// <summary>Only what has to be said.</summary>
internal sealed class QuietTransfers : ITransferProgress
{
    public void Begin(string layer, long size)
    {
    }

    public void Advance(string layer, long bytes)
    {
    }

    public void End(string layer, string how)
    {
    }

    public void Say(string line) => CommandContext.Note(line);
}
