using Timur.State;

namespace Timur.Engine;

/// <summary><c>--filter key=value</c>: values of one key are alternatives (labels: all), keys all have to match.</summary>
public static class ContainerFilter
{
    private static readonly string[] States = ["created", "restarting", "running", "removing", "paused", "exited", "dead"];

    private static readonly string[] Keys = ["id", "name", "label", "status", "exited", "ancestor", "before", "since", "volume", "network", "publish", "health"];

    /// <summary>The containers that match; an unknown key is a <see cref="Failure"/>.</summary>
    public static List<Container> Apply(DataPaths paths, List<Container> containers, IReadOnlyList<string> filters)
    {
        var byKey = new Dictionary<string, List<string>>();
        foreach (string filter in filters)
        {
            int equals = filter.IndexOf('=');
            string key = equals < 0 ? filter : filter[..equals];
            if (equals < 0 || Array.IndexOf(Keys, key) < 0)
            {
                throw new Failure($"--filter: '{filter}' isn't a filter", $"write KEY=VALUE; keys: {string.Join(' ', Keys)}");
            }

            string value = filter[(equals + 1)..];
            if (key == "status" && Array.IndexOf(States, value) < 0)
            {
                throw new Failure($"--filter: '{value}' isn't a status", $"use one of {string.Join(' ', States)}");
            }

            byKey.TryAdd(key, []);
            byKey[key].Add(value);
        }

        return containers.FindAll(container => byKey.All(pair => pair.Key == "label"
            ? pair.Value.TrueForAll(value => Matches(paths, containers, container, pair.Key, value))
            : pair.Value.Exists(value => Matches(paths, containers, container, pair.Key, value))));
    }

    private static bool Matches(DataPaths paths, List<Container> all, Container container, string key, string value) => key switch
    {
        "id" => container.Id.Text.StartsWith(value, StringComparison.Ordinal),
        "name" => container.Name.Contains(value, StringComparison.Ordinal),
        "label" => MatchesLabel(container, value),
        "status" => ContainerView.StateWord(container.State) == value,
        "exited" => container.State.Status == ContainerStatus.Exited && container.State.ExitCode.ToString() == value,
        "ancestor" => container.Record.Image == value || container.Record.Image == value + ":latest" || container.Record.ImageId.StartsWith(value, StringComparison.Ordinal),
        "before" => container.Record.Created < Reference(all, value).Record.Created,
        "since" => container.Record.Created > Reference(all, value).Record.Created,
        "volume" => WantedMount.OfOptions(container.Options, container.Id).Exists(mount => mount.Source == value || mount.Destination == value),
        "network" => (container.Options.Text("network") ?? "bridge") == value,
        "publish" => container.Options.Texts("publish").Any(port => port.Contains(value, StringComparison.Ordinal)),
        _ => (HealthRecord.StatusOf(paths, container) ?? "none") == value,
    };

    private static bool MatchesLabel(Container container, string value)
    {
        int equals = value.IndexOf('=');
        return container.Record.Labels.TryGetValue(equals < 0 ? value : value[..equals], out string? found) && (equals < 0 || found == value[(equals + 1)..]);
    }

    private static Container Reference(List<Container> all, string reference)
        => all.Find(container => container.Name == reference || container.Id.Text.StartsWith(reference, StringComparison.Ordinal))
            ?? throw new Failure($"--filter: there is no container '{reference}'", "timur ps -a lists them");
}
