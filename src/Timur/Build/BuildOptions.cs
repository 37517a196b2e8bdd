using Timur.Build.Contexts;
using Timur.Build.Dockerfiles;
using Timur.Engine;
using Timur.Images;

namespace Timur.Build;

/// <summary>What a build was asked for.</summary>
public sealed record BuildOptions
{
    public required Dockerfile Dockerfile { get; init; }

    /// <summary>Where COPY takes files from.</summary>
    public required SourceTree Context { get; init; }

    /// <summary>The stage that becomes the image; null is the last one.</summary>
    public string? Target { get; init; }

    /// <summary>Values for ARG.</summary>
    public IReadOnlyDictionary<string, string> Arguments { get; init; } = new Dictionary<string, string>();

    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    /// <summary>Annotations of the image's manifest.</summary>
    public IReadOnlyDictionary<string, string> Annotations { get; init; } = new Dictionary<string, string>();

    /// <summary>Variables that the image gets at the end; no step sees them. As with buildah's <c>--env</c>.</summary>
    public IReadOnlyDictionary<string, string> Variables { get; init; } = new Dictionary<string, string>();

    /// <summary>Variables and labels that the image loses at the end; steps see them.</summary>
    public IReadOnlySet<string> UnsetVariables { get; init; } = new HashSet<string>();

    public IReadOnlySet<string> UnsetLabels { get; init; } = new HashSet<string>();

    /// <summary>Further contexts by name: a directory, or <c>container-image://NAME</c>.</summary>
    public IReadOnlyDictionary<string, string> NamedContexts { get; init; } = new Dictionary<string, string>();

    public IReadOnlyDictionary<string, SecretSource> Secrets { get; init; } = new Dictionary<string, SecretSource>();

    /// <summary>Sockets of ssh agents by id.</summary>
    public IReadOnlyDictionary<string, string> SshAgents { get; init; } = new Dictionary<string, string>();

    /// <summary>Where steps are taken from, in this order.</summary>
    public IReadOnlyList<StepPlace> CacheFrom { get; init; } = [];

    /// <summary>Where steps are brought to.</summary>
    public IReadOnlyList<StepPlace> CacheTo { get; init; } = [];

    /// <summary>Nothing is taken from earlier builds.</summary>
    public bool IgnoresCache { get; init; }

    /// <summary>As <c>run --pull</c>.</summary>
    public string Pull { get; init; } = "missing";

    public string? Platform { get; init; }

    /// <summary>Network of RUN where it doesn't say: bridge, none or host.</summary>
    public string Network { get; init; } = "bridge";

    /// <summary>RUN --security=insecure is allowed.</summary>
    public bool AllowsInsecure { get; init; }

    /// <summary>Options of <c>run</c> for each RUN, such as limits: <c>--name=value</c>.</summary>
    public IReadOnlyList<string> RunWords { get; init; } = [];

    /// <summary>Stages of which nothing is taken from earlier builds.</summary>
    public IReadOnlyList<string> IgnoresCacheOf { get; init; } = [];

    /// <summary>The layers that the build makes become one.</summary>
    public bool Squashes { get; init; }

    /// <summary>All layers become one, those of the first image, too.</summary>
    public bool SquashesAll { get; init; }

    /// <summary>A shell is opened where a command failed.</summary>
    public bool OpensShell { get; init; }

    /// <summary>The time that everything counts as made at; null is now.</summary>
    public DateTimeOffset? Epoch { get; init; }

    /// <summary>How images that aren't here are fetched.</summary>
    public required Func<ImageSource> Registry { get; init; }
}

/// <summary>Where a secret comes from: a file, or a variable of the caller's environment.</summary>
public sealed record SecretSource(string? File, string? Variable)
{
    /// <summary>A source that isn't there is a <see cref="Failure"/> before anything is built, as in Docker and Podman.</summary>
    public void Check(string id)
    {
        if (File is null)
        {
            Read(id);
        }
        else if (Kernel.Files.TryStatus(File, out Kernel.Errno why, follow: true) is null)
        {
            throw new Failure($"--secret id={id}: {File}: {Kernel.ErrnoText.Describe(why)}", "give a readable file");
        }
    }

    /// <summary>Its bytes; a source that can't be read is a <see cref="Failure"/>.</summary>
    internal byte[] Read(string id)
    {
        if (Variable is not null)
        {
            return System.Text.Encoding.UTF8.GetBytes(Environment.GetEnvironmentVariable(Variable) ?? throw new Failure($"--secret id={id}: the variable {Variable} isn't set", "set it, or give a file with src="));
        }

        return Kernel.Files.TryReadAll(File!, out Kernel.Errno why) ?? throw new Failure($"--secret id={id}: {File}: {Kernel.ErrnoText.Describe(why)}", "give a readable file");
    }
}
