using Timur.Images;
using Timur.Oci;

namespace Timur.Build;

/// <summary>A stage as it is after some of its instructions.</summary>
internal sealed record StageState
{
    /// <summary>The note in the history of what this engine builds.</summary>
    internal const string Mark = "timur build";

    internal required ImageConfig Config { get; init; }

    /// <summary>Layers, lowest first; each is held by the build.</summary>
    internal IReadOnlyList<KeptLayer> Layers { get; init; } = [];

    /// <summary>How many of them came with the image that FROM names.</summary>
    internal int BaseLayers { get; init; }

    /// <summary>Steps of this build. One without a time gets the image's.</summary>
    internal IReadOnlyList<ImageHistory> History { get; init; } = [];

    internal IReadOnlyList<string> LayerDirectories => [.. Layers.Select(layer => layer.Directory)];

    internal IEnumerable<string> DiffIds => Layers.Select(layer => layer.DiffId);

    /// <summary>After a step that changed only the configuration.</summary>
    internal StageState With(ImageConfig config, string createdBy) => this with { Config = config, History = [.. History, Entry(createdBy, null, isEmpty: true)] };

    /// <summary>After a step that may have changed files.</summary>
    internal StageState With(KeptLayer? layer, DateTimeOffset created, string createdBy)
        => this with { Layers = layer is null ? Layers : [.. Layers, layer], History = [.. History, Entry(createdBy, created, layer is null)] };

    private static ImageHistory Entry(string createdBy, DateTimeOffset? created, bool isEmpty) => new(created, createdBy, Mark, isEmpty);
}
