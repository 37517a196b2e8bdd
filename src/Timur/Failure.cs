namespace Timur;

/// <summary>
/// Something a person asked for can't be done. The message names what was attempted, on what, and why; <see cref="Advice"/> says what to do next.
/// Printed without a stack trace; an exception of any other type is a defect or a surprise of the kernel's.
/// </summary>
public sealed class Failure(string message, string? advice = null, int exitCode = 125, Exception? cause = null)
    : Exception(message, cause)
{
    /// <summary>What the person can do about it, or null when nothing is known.</summary>
    public string? Advice { get; } = advice;

    /// <summary>125 unless the command line's contract says otherwise (docs/exit-codes.md).</summary>
    public int ExitCode { get; } = exitCode;
}
