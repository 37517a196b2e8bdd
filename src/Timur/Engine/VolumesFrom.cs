using Timur.Images;
using Timur.State;

namespace Timur.Engine;

/// <summary>
/// <c>--volumes-from CONTAINER[:ro|rw]</c>: the binds and volumes of other containers, anonymous ones too, in the same places. They are looked up once, when the container
/// is made; a place that its own options name stays theirs.
/// </summary>
internal static class VolumesFrom
{
    private const string Name = "volumes-from";

    /// <summary>The options with volumes instead.</summary>
    internal static RunOptions Expand(RunOptions options, ContainerStore store, ImageStore images)
    {
        if (options.Texts(Name).Count == 0)
        {
            return options;
        }

        ContainerId unknown = default;
        HashSet<string> taken = [.. WantedMount.OfOptions(options, unknown).Select(Place), .. options.Texts("tmpfs").Select(text => text.Split(':')[0].TrimEnd('/'))];
        var words = new List<string>();
        foreach (string text in options.Texts(Name))
        {
            int colon = text.IndexOf(':');
            string access = colon < 0 ? "" : text[(colon + 1)..];
            if (access is not ("" or "ro" or "rw"))
            {
                throw new Failure($"--volumes-from {text}: '{access}' isn't possible", "write CONTAINER, CONTAINER:ro or CONTAINER:rw");
            }

            Container other = store.Find(colon < 0 ? text : text[..colon]);
            Image? image = other.Record.ImageId.Length > 0 ? images.TryResolve("sha256:" + other.Record.ImageId) : null;
            words.AddRange(WantedMount.Of(other.Options, image, other.Id).Where(mount => mount.Kind != WantedKind.Tmpfs && taken.Add(Place(mount))).Select(mount => Word(mount, access)));
        }

        return RunOptions.FromCanonical([.. words, .. options.Canonical.Where(word => !word.StartsWith($"--{Name}=", StringComparison.Ordinal))]);
    }

    private static string Place(WantedMount mount) => mount.Destination.TrimEnd('/');

    private static string Word(WantedMount mount, string access)
    {
        IEnumerable<string> others = access.Length == 0 ? mount.Options : [.. mount.Options.Where(word => word is not ("ro" or "rw")), access];
        string options = string.Join(',', mount.Kind == WantedKind.Volume && !mount.Fills ? others.Append("nocopy") : others);
        return $"--volume={mount.Source}:{mount.Destination}{(options.Length == 0 ? "" : ":" + options)}";
    }
}
