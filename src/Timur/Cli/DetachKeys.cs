using Timur.Engine;

namespace Timur.Cli;

/// <summary>Key sequences such as <c>ctrl-p,ctrl-q</c> or <c>a,ctrl-]</c>.</summary>
internal static class DetachKeys
{
    /// <summary>The bytes; the default when nothing was given and the container has a terminal with input.</summary>
    internal static byte[] Parse(string? text, RunOptions options) => Parse(text, options is { Interactive: true, Tty: true });

    internal static byte[] Parse(string? text, bool hasTerminal)
    {
        if (text is null)
        {
            return hasTerminal ? [0x10, 0x11] : [];
        }

        var keys = new List<byte>();
        foreach (string key in text.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            bool control = key.Length == 6 && key.StartsWith("ctrl-", StringComparison.Ordinal);
            if (!control && key.Length != 1)
            {
                throw new Failure($"--detach-keys: '{key}' isn't a key", "write single letters or ctrl-LETTER, separated by commas; nothing turns it off");
            }

            keys.Add(control ? (byte)(char.ToUpperInvariant(key[5]) & 0x1f) : (byte)key[0]);
        }

        return [.. keys];
    }
}
