using Timur.Images;
using Timur.State;
using Timur.Storage;

namespace Timur.Engine;

/// <summary>What kind of thing is mounted.</summary>
internal enum WantedKind
{
    Bind, Volume, Tmpfs,
}

/// <summary>A mount that the options or the image ask for.</summary>
/// <param name="Source">Host path, or a volume's name; empty for a tmpfs.</param>
/// <param name="Options">Words such as <c>ro</c>, without those that are about the volume itself.</param>
internal sealed record WantedMount(WantedKind Kind, string Source, string Destination, IReadOnlyList<string> Options)
{
    /// <summary>The volume is the container's own.</summary>
    internal bool IsAnonymous { get; init; }

    /// <summary>An empty volume gets what the image has in this place.</summary>
    internal bool Fills { get; init; } = true;

    internal IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    /// <summary>Of a volume that isn't there yet.</summary>
    internal IReadOnlyDictionary<string, string> DriverOptions { get; init; } = new Dictionary<string, string>();

    /// <summary>Names of the volumes among them.</summary>
    internal static IEnumerable<string> VolumesOf(IEnumerable<WantedMount> mounts) => mounts.Where(mount => mount.Kind == WantedKind.Volume).Select(mount => mount.Source);

    /// <summary>All of them, the image's last: a place that the options cover isn't the image's to fill.</summary>
    internal static IReadOnlyList<WantedMount> Of(RunOptions options, Image? image, ContainerId id)
    {
        List<WantedMount> wanted = OfOptions(options, id);
        HashSet<string> covered = [.. wanted.Select(mount => mount.Destination.TrimEnd('/')), .. options.Texts("tmpfs").Select(text => text.Split(':')[0].TrimEnd('/'))];
        foreach (string place in image?.Config.Volumes ?? [])
        {
            // The image's word for it; nothing is mounted over the whole root.
            string destination = "/" + place.Trim('/');
            if (destination.Length > 1 && covered.Add(destination))
            {
                wanted.Add(Anonymous(id, destination, []));
            }
        }

        return wanted;
    }

    /// <summary>Those of <c>--volume</c> and <c>--mount</c>; two in one place are a <see cref="Failure"/>.</summary>
    internal static List<WantedMount> OfOptions(RunOptions options, ContainerId id)
    {
        List<WantedMount> wanted = [.. options.Texts("volume").Select(text => OfVolume(text, id)), .. options.Texts("mount").Select(text => OfMount(text, id))];
        foreach (IGrouping<string, WantedMount> place in wanted.GroupBy(mount => mount.Destination.TrimEnd('/')))
        {
            if (place.Count() > 1)
            {
                throw new Failure($"two mounts have the same place: {place.Key}", "give each a directory of its own");
            }
        }

        return wanted;
    }

    /// <summary><c>[SOURCE:]DIR[:OPTIONS]</c></summary>
    private static WantedMount OfVolume(string text, ContainerId id)
    {
        string[] parts = text.Split(':');
        if (parts.Length > 3)
        {
            throw new Failure($"--volume: '{text}' has too many parts", "write SOURCE:DIR or SOURCE:DIR:OPTIONS, such as /srv/files:/files:ro");
        }

        string place = Absolute(parts[Math.Min(1, parts.Length - 1)], "--volume");
        string[] words = parts.Length > 2 ? parts[2].Split(',', StringSplitOptions.RemoveEmptyEntries) : [];
        if (parts.Length == 1)
        {
            return Anonymous(id, place, words);
        }

        return parts[0].StartsWith('/') ? new WantedMount(WantedKind.Bind, parts[0], place, words) : Named(parts[0], place, words);
    }

    /// <summary><c>type=bind,src=/a,dst=/b,readonly</c></summary>
    private static WantedMount OfMount(string text, ContainerId id)
    {
        string type = "volume";
        string source = "";
        string inside = "";
        var words = new List<string>();
        var labels = new Dictionary<string, string>();
        var driver = new Dictionary<string, string>();
        foreach (string part in text.Split(','))
        {
            int equals = part.IndexOf('=');
            (string key, string value) = equals < 0 ? (part, "") : (part[..equals], part[(equals + 1)..]);
            switch (key)
            {
                case "type": type = value; break;
                case "src" or "source": source = value; break;
                case "dst" or "destination" or "target": inside = value; break;
                case "ro" or "readonly": words.Add(value is "false" or "0" ? "rw" : "ro"); break;
                case "bind-propagation": words.Add(value); break;
                case "idmap": words.Add("idmap"); break;
                case "tmpfs-size": words.Add($"size={ByteSize.Parse(value, "tmpfs-size").Bytes}"); break;
                case "tmpfs-mode": words.Add($"mode={value}"); break;
                case "volume-nocopy": words.Add(value is "false" or "0" ? "copy" : "nocopy"); break;
                case "volume-label": AddPair(labels, value); break;
                case "volume-opt": AddPair(driver, value); break;
                case "volume-driver": VolumeCreation.CheckDriver(value); break;
                default: throw new Failure($"--mount: unknown key '{key}'", "known: type, src, dst, readonly, bind-propagation, idmap, tmpfs-size, tmpfs-mode, volume-nocopy, volume-label, volume-opt");
            }
        }

        string place = Absolute(inside, "--mount");
        return type switch
        {
            "bind" => new WantedMount(WantedKind.Bind, source, place, words),
            "tmpfs" => new WantedMount(WantedKind.Tmpfs, "", place, words),
            "volume" when source.Length == 0 => Anonymous(id, place, words) with { Labels = labels, DriverOptions = driver },
            "volume" => Named(source, place, words) with { Labels = labels, DriverOptions = driver },
            _ => throw new Failure($"--mount: unknown type '{type}'", "known: bind, volume, tmpfs"),
        };
    }

    private static void AddPair(Dictionary<string, string> pairs, string text)
    {
        int equals = text.IndexOf('=');
        pairs[equals < 0 ? text : text[..equals]] = equals < 0 ? "" : text[(equals + 1)..];
    }

    private static WantedMount Named(string name, string place, IReadOnlyList<string> words)
    {
        VolumeStore.CheckName(name);
        return Volume(name, place, words);
    }

    private static WantedMount Anonymous(ContainerId id, string place, IReadOnlyList<string> words) => Volume(NameOf(id, place), place, words) with { IsAnonymous = true };

    private static WantedMount Volume(string name, string place, IReadOnlyList<string> words)
        => new(WantedKind.Volume, name, place, [.. words.Where(word => word is not ("nocopy" or "copy"))]) { Fills = !words.Contains("nocopy") };

    /// <summary>64 digits, as Docker's: the container's own and a number made of the place (FNV-1a), so that each start finds the same.</summary>
    private static string NameOf(ContainerId id, string place)
    {
        ulong hash = 14695981039346656037;
        foreach (byte one in System.Text.Encoding.UTF8.GetBytes(place.TrimEnd('/')))
        {
            hash = (hash ^ one) * 1099511628211;
        }

        return $"{id.Text[..48]}{hash:x16}";
    }

    private static string Absolute(string path, string option)
        => path.StartsWith('/') && path.Trim('/').Length > 0 ? path : throw new Failure($"{option}: '{path}' isn't an absolute path inside the container", "for example -v /srv/files:/files:ro");
}
