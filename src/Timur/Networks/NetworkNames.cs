using Timur.State;

namespace Timur.Networks;

/// <summary>
/// What is ours in the kernel is told by its name. The store in the usual place owns <c>timur0</c> and the table <c>timur</c>; a store elsewhere
/// (<c>--root</c>) has its own names, so that two stores on one host never touch each other's links and rules.
/// </summary>
internal sealed class NetworkNames
{
    internal const string DefaultNetwork = "bridge";
    private const string DefaultRoot = "/var/lib/timur";
    private const string LinkPrefix = "tm";

    internal NetworkNames(DataPaths paths)
    {
        string suffix = paths.Root.TrimEnd('/') == DefaultRoot ? "" : $"-{Hash(paths.Root.TrimEnd('/')):x8}";
        Bridge = suffix.Length == 0 ? "timur0" : $"timur{suffix}";
        Table = $"timur{suffix}";
    }

    /// <summary>The default network's bridge.</summary>
    internal string Bridge { get; }

    /// <summary>The nftables table, of the inet family.</summary>
    internal string Table { get; }

    /// <summary>The host's end of a container's veth pair: 14 bytes of the 15 that a name may have.</summary>
    internal static string Link(ContainerId id) => LinkPrefix + id.Short;

    internal static bool IsContainerLink(string name) => name.StartsWith(LinkPrefix, StringComparison.Ordinal) && name.Length == 14;

    // FNV-1a; string.GetHashCode differs from run to run.
    private static uint Hash(string text)
    {
        uint hash = 2166136261;
        foreach (char c in text)
        {
            hash = (hash ^ c) * 16777619;
        }

        return hash;
    }
}
