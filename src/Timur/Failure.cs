namespace Timur;

/// <summary>
/// Something a person asked for can't be done. The message names what was attempted, on what, and why; <see cref="Advice"/> says what to do next.
/// Printed without a stack trace; an exception of any other type is a defect or a surprise of the kernel's. Words of others in it can't steer a terminal: control
/// characters other than the ends of lines become spaces.
/// </summary>
public sealed class Failure(string message, string? advice = null, int exitCode = 125, Exception? cause = null)
    : Exception(Printable(message), cause)
{
    /// <summary>What the person can do about it, or null when nothing is known.</summary>
    public string? Advice { get; } = advice is null ? null : Printable(advice);

    /// <summary>125 unless the command line's contract says otherwise (docs/exit-codes.md).</summary>
    public int ExitCode { get; } = exitCode;

    private static string Printable(string text)
        => text.AsSpan().ContainsAnyInRange('\0', '\u001f') || text.AsSpan().ContainsAnyInRange('\u007f', '\u009f') ? string.Concat(text.Select(c => char.IsControl(c) && c != '\n' ? ' ' : c)) : text;
}
