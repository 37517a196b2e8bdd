using Timur.Kernel;
using Timur.State;

namespace Timur.Engine;

/// <summary>Removes containers that don't run.</summary>
public sealed class ContainerPrune(DataPaths paths)
{
    private static readonly string[] Keys = ["until", "label", "label!"];

    /// <summary>Filters that make no sense are a <see cref="Failure"/>.</summary>
    public static void Check(IReadOnlyList<string> filters)
    {
        foreach (string filter in filters)
        {
            (string key, string value) = Parse(filter);
            if (Array.IndexOf(Keys, key) < 0)
            {
                throw new Failure($"--filter: '{filter}' isn't a filter of what is removed", $"write KEY=VALUE; keys: {string.Join(' ', Keys)}");
            }

            if (key == "until")
            {
                Moment.Parse(value, DateTimeOffset.UtcNow);
            }
        }
    }

    public PrunedThings Run(IReadOnlyList<string> filters)
    {
        var store = new ContainerStore(paths);
        var removal = new ContainerRemoval(store);
        var removed = new List<string>();
        long bytes = 0;
        DateTimeOffset now = DateTimeOffset.UtcNow;
        foreach (Container container in store.List().Where(container => !container.State.IsAlive && container.State.Status != ContainerStatus.Restarting && filters.All(filter => Matches(container, filter, now))))
        {
            long size = Directories.Usage(paths.Container(container.Id));
            try
            {
                removal.Remove(container, force: false);
                removed.Add(container.Id.Text);
                bytes += size;
            }
            catch (Failure)
            {
                // It was started or removed meanwhile.
            }
        }

        return new PrunedThings(removed, bytes);
    }

    private static bool Matches(Container container, string filter, DateTimeOffset now) => Parse(filter) switch
    {
        ("until", var value) => container.Record.Created < Moment.Parse(value, now),
        ("label", var value) => LabelFilter.Matches(container.Record.Labels, value),
        (_, var value) => !LabelFilter.Matches(container.Record.Labels, value),
    };

    private static (string Key, string Value) Parse(string filter)
    {
        int equals = filter.IndexOf('=');
        return equals < 0 ? (filter, "") : (filter[..equals], filter[(equals + 1)..]);
    }
}
