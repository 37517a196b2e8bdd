namespace Timur.Oci;

/// <summary>What an image says about running it (OCI image-spec config.md). Types only.</summary>
public sealed record ImageConfig
{
    public string Architecture { get; init; } = "amd64";

    public string Os { get; init; } = "linux";

    public DateTimeOffset? Created { get; init; }

    public string Author { get; init; } = "";

    public IReadOnlyList<string> Env { get; init; } = [];

    public IReadOnlyList<string> Entrypoint { get; init; } = [];

    public IReadOnlyList<string> Cmd { get; init; } = [];

    public string User { get; init; } = "";

    public string WorkingDir { get; init; } = "";

    public IReadOnlyList<string> Volumes { get; init; } = [];

    public IReadOnlyList<string> ExposedPorts { get; init; } = [];

    public string? StopSignal { get; init; }

    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    /// <summary>Digests of the uncompressed layers, lowest first, such as <c>sha256:...</c>.</summary>
    public IReadOnlyList<string> DiffIds { get; init; } = [];

    public IReadOnlyList<ImageHistory> History { get; init; } = [];
}

/// <summary>One step of an image's making.</summary>
public sealed record ImageHistory(DateTimeOffset? Created, string CreatedBy, string Comment, bool EmptyLayer);
