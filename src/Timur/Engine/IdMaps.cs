using Timur.Kernel;
using Timur.Kernel.Launcher;
using Timur.Oci;
using Timur.State;

namespace Timur.Engine;

/// <summary>
/// The ids of a container with a user namespace (<c>--userns auto</c>, <c>--uidmap</c>, <c>--gidmap</c>): root inside is nobody on the host. Its image's
/// files are shown with mapped ids; what it writes has the host's.
/// </summary>
internal sealed record IdMaps(IReadOnlyList<IdRange> Users, IReadOnlyList<IdRange> Groups)
{
    /// <summary>Ids in a range that is chosen automatically: as many as a file system image may use.</summary>
    private const uint AutomaticCount = 65536;

    // The kernel's overflow id (/proc/sys/kernel/overflowuid).
    private const uint Unmapped = 65534;

    // systemd's range for containers (UIDS-GIDS.md): login users and subordinate ids lie elsewhere.
    private const uint FirstAutomatic = 524288;
    private const uint Ranges = (1879048192 - FirstAutomatic) / AutomaticCount;

    /// <summary>Host ids of root inside.</summary>
    internal (uint User, uint Group) Root => (Outside(Users), Outside(Groups));

    /// <summary>Null when the container shares the host's ids.</summary>
    internal static IdMaps? Of(RunOptions options, ContainerId id)
    {
        List<IdRange> users = Parse(options, "uidmap");
        List<IdRange> groups = Parse(options, "gidmap");
        switch (options.Text("userns"))
        {
            case null or "host" when users.Count + groups.Count == 0: return null;
            case null or "private" when users.Count + groups.Count > 0: break;
            case "auto" or "private" when users.Count + groups.Count == 0: users = [Automatic(id)]; break;
            case "auto" or "private" or "host": throw new Failure("--userns and --uidmap or --gidmap don't go together", "give the maps alone, or --userns auto");
            case { } mode: throw new Failure($"--userns: '{mode}' isn't a mode", "use auto or host");
        }

        var maps = new IdMaps(users.Count > 0 ? users : groups, groups.Count > 0 ? groups : users);
        CheckCompany(options);
        return maps;
    }

    /// <summary>The container's own files in /etc become its root's.</summary>
    internal void Own(string containerDirectory)
    {
        foreach (string name in (ReadOnlySpan<string>)["hosts", "hostname", "resolv.conf"])
        {
            Files.Chown($"{containerDirectory}/{name}", Root.User, Root.Group);
        }
    }

    internal IReadOnlyList<IdMapping> UserMappings => [.. Users.Select(range => new IdMapping(range.Inside, range.Outside, range.Count))];

    internal IReadOnlyList<IdMapping> GroupMappings => [.. Groups.Select(range => new IdMapping(range.Inside, range.Outside, range.Count))];

    /// <summary>By the container's random id: two containers share a range once in some thousands, and then still have their other walls.</summary>
    private static IdRange Automatic(ContainerId id)
        => new(0, FirstAutomatic + (uint.Parse(id.Text.AsSpan(0, 8), System.Globalization.NumberStyles.HexNumber) % Ranges * AutomaticCount), AutomaticCount);

    private static uint Outside(IReadOnlyList<IdRange> ranges)
        => ToOutside(ranges, 0) ?? throw new Failure("--uidmap and --gidmap must map id 0: the container is set up by its root", "for example --uidmap 0:100000:65536");

    /// <summary>The id inside of one on the host; 65534, as the kernel shows ids without a mapping, when there is none.</summary>
    internal static uint ToInside(IReadOnlyList<IdRange> ranges, uint outside)
    {
        foreach (IdRange range in ranges)
        {
            if (outside >= range.Outside && outside - range.Outside < range.Count)
            {
                return range.Inside + (outside - range.Outside);
            }
        }

        return Unmapped;
    }

    /// <summary>The id on the host of one inside; null when it has none.</summary>
    internal static uint? ToOutside(IReadOnlyList<IdRange> ranges, uint inside)
    {
        foreach (IdRange range in ranges)
        {
            if (inside >= range.Inside && inside - range.Inside < range.Count)
            {
                return range.Outside + (inside - range.Inside);
            }
        }

        return null;
    }

    private static List<IdRange> Parse(RunOptions options, string name)
    {
        var ranges = new List<IdRange>();
        foreach (string text in options.Texts(name))
        {
            string[] parts = text.Split(':');
            ranges.Add(
                parts is [var inside, var outside, var count] && uint.TryParse(inside, out uint first) && uint.TryParse(outside, out uint host) && uint.TryParse(count, out uint size) && size > 0
                    ? new IdRange(first, host, size)
                    : throw new Failure($"--{name}: '{text}' isn't CONTAINER:HOST:COUNT", $"for example --{name} 0:100000:65536"));
        }

        return ranges;
    }

    /// <summary>A user namespace has no power over namespaces that belong to others.</summary>
    private static void CheckCompany(RunOptions options)
    {
        foreach (string name in (ReadOnlySpan<string>)["network", "pid", "ipc", "uts"])
        {
            if (options.Text(name) is { } mode && (mode.StartsWith("container:", StringComparison.Ordinal) || (mode == "host" && name is "network" or "pid")))
            {
                throw new Failure($"--{name} {mode} doesn't go with a user namespace", $"leave out --userns and --uidmap, or --{name}");
            }
        }
    }
}
