using Timur.Kernel;

namespace Timur.Runtime;

/// <summary>
/// Which of this process's standard streams have to become the payload's: pipes, which another user couldn't open as /dev/stdout. A file, a terminal or a device
/// stays with its owner; it is more than the payload's.
/// </summary>
public static class StreamOwnership
{
    /// <summary>Descriptor numbers; none for root, who may open anything.</summary>
    public static IReadOnlyList<int> For(uint user)
    {
        if (user == 0)
        {
            return [];
        }

        var streams = new List<int>(3);
        for (int number = 0; number < 3; number++)
        {
            if (Files.TryStatus($"/proc/self/fd/{number}", out _, follow: true) is { Kind: FileKind.Fifo })
            {
                streams.Add(number);
            }
        }

        return streams;
    }
}
