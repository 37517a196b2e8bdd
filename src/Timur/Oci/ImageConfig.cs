namespace Timur.Oci;

/// <summary>What an image says about running it (OCI image-spec config.md). Types only.</summary>
public sealed record ImageConfig
{
    public string Architecture { get; init; } = "amd64";

    public string Os { get; init; } = "linux";

    /// <summary>Of the architecture, such as <c>v8</c>; null when it isn't told apart.</summary>
    public string? Variant { get; init; }

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

    /// <summary>How to find out whether a container is well; null when the image doesn't say.</summary>
    public ImageHealthcheck? Healthcheck { get; init; }

    /// <summary>Instructions for a build on top of this image (Docker's extension).</summary>
    public IReadOnlyList<string> OnBuild { get; init; } = [];

    /// <summary>What runs the lines of later instructions; empty is <c>/bin/sh -c</c> (Docker's extension).</summary>
    public IReadOnlyList<string> Shell { get; init; } = [];

    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    /// <summary>Digests of the uncompressed layers, lowest first, such as <c>sha256:...</c>.</summary>
    public IReadOnlyList<string> DiffIds { get; init; } = [];

    public IReadOnlyList<ImageHistory> History { get; init; } = [];
}

/// <summary>One step of an image's making.</summary>
public sealed record ImageHistory(DateTimeOffset? Created, string CreatedBy, string Comment, bool EmptyLayer)
{
    public string Author { get; init; } = "";
}

/// <summary>A health check (Docker's extension of the image specification).</summary>
/// <param name="Test"><c>NONE</c>, <c>CMD</c> and words, or <c>CMD-SHELL</c> and a line; empty leaves the base image's.</param>
/// <param name="Retries">0 leaves it to the engine, as do times of zero.</param>
public sealed record ImageHealthcheck(IReadOnlyList<string> Test, TimeSpan Interval, TimeSpan Timeout, TimeSpan StartPeriod, TimeSpan StartInterval, int Retries);
