namespace Timur.Images.Registry;

/// <summary>How long servers are waited for.</summary>
/// <param name="Silence">One that says nothing, or next to nothing, for so long is given up.</param>
/// <param name="FirstWait">Before the second try of what failed for a passing reason; twice as long before each further one.</param>
internal sealed record Patience(TimeSpan Silence, TimeSpan FirstWait)
{
    internal static Patience Usual { get; } = new(TimeSpan.FromSeconds(60), TimeSpan.FromMilliseconds(250));
}
