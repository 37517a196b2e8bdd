using System.Text;
using Timur.Kernel;

namespace Timur.Runtime.Containers;

/// <summary>This process's environment as NAME=VALUE, in its order.</summary>
internal static class OwnEnvironment
{
    internal static IReadOnlyList<string> All()
        => Encoding.UTF8.GetString(Files.TryReadAll("/proc/self/environ", out _) ?? []).Split('\0', StringSplitOptions.RemoveEmptyEntries);
}
