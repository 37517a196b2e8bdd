using Timur.State;

namespace Timur.Networks;

/// <summary>
/// What is ours in the kernel is told by its name. The store in the usual place owns <c>timur0</c> and the table <c>timur</c>; a store elsewhere
/// (<c>--root</c>) has its own names, so that two stores on one host never touch each other's links and rules.
/// </summary>
internal sealed class NetworkNames
{
    internal const string DefaultNetwork = "bridge";
    private const string LinkPrefix = "tm";

    internal NetworkNames(DataPaths paths)
    {
        Bridge = paths.Suffix.Length == 0 ? "timur0" : $"timur{paths.Suffix}";
        Table = $"timur{paths.Suffix}";
    }

    /// <summary>The default network's bridge.</summary>
    internal string Bridge { get; }

    /// <summary>The nftables table, of the inet family.</summary>
    internal string Table { get; }

    /// <summary>The host's end of a container's veth pair: 14 bytes of the 15 that a name may have.</summary>
    internal static string Link(ContainerId id) => LinkPrefix + id.Short;

    internal static bool IsContainerLink(string name) => name.StartsWith(LinkPrefix, StringComparison.Ordinal) && name.Length == 14;
}
