using Timur.Images;
using Timur.Images.Registry;
using Timur.Kernel;
using Timur.Oci;
using Timur.Templates;

namespace Timur.Engine;

/// <summary>Images as lists, <c>history</c> and <c>inspect</c> show them.</summary>
public static class ImageView
{
    private const string None = "<none>";

    /// <summary>One row of <c>images</c>.</summary>
    public static TemplateObject Row(ImageStore images, ImageName? name, Image image, bool truncate, DateTimeOffset now, Func<string, int> containers) => new TemplateObject()
        .Add("ID", truncate ? image.Id[..12] : "sha256:" + image.Id)
        .Add("Repository", name?.Repository ?? None)
        .Add("Tag", name?.Tag ?? None)
        .Add("Digest", () => DigestOf(images, name, image) ?? None)
        .Add("CreatedSince", image.Config.Created is { } created ? ContainerView.Ago(now - created) + " ago" : "N/A")
        .Add("CreatedAt", image.Config.Created?.ToLocalTime().ToString("yyyy-MM-dd HH:mm:ss zzz") ?? "N/A")
        .Add("Containers", () => containers(image.Id).ToString())
        .Add("Size", () => new ByteSize(SizeOf(image)).ToDecimalString())
        .Add("VirtualSize", () => new ByteSize(SizeOf(image)).ToDecimalString())
        .Add("Labels", () => string.Join(',', image.Config.Labels.Select(label => $"{label.Key}={label.Value}")))
        .Also("Label", key => image.Config.Labels.GetValueOrDefault(key, ""))
        .Also("SharedSize", () => "N/A")
        .Also("UniqueSize", () => "N/A")
        .Also("Id", () => image.Id)
        .Also("Created", () => image.Config.Created is { } at ? ContainerView.Ago(now - at) + " ago" : "N/A")
        .Also("CreatedTime", () => image.Config.Created?.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss +0000 UTC") ?? "N/A")
        .Also("Names", () => images.NamesOf(image.Id).Select(one => (object?)one.Familiar).ToList())
        .Also("RepoTags", () => Tags(images.NamesOf(image.Id)))
        .Also("RepoDigests", () => Digests(images, image, images.NamesOf(image.Id)))
        .Also("Dangling", () => name is null)
        .Also("ReadOnly", () => false);

    /// <summary>What the registry calls an image of that name; null where none does.</summary>
    private static string? DigestOf(ImageStore images, ImageName? name, Image image)
        => name is { } known && images.RepositoryDigests.Of(image.Id, known) is [var newest, ..] ? newest.Reference : images.DigestOf(image.Id);

    private static List<object?> Tags(IReadOnlyList<ImageName> names) => [.. names.Where(name => !name.HasDigest).Select(name => name.Familiar)];

    private static List<object?> Digests(ImageStore images, Image image, IReadOnlyList<ImageName> names)
        => [.. names.SelectMany(name => images.RepositoryDigests.Of(image.Id, name)).Distinct().Select(digested => digested.Familiar)];

    /// <summary>Bytes that its unpacked layers occupy.</summary>
    public static long SizeOf(Image image) => image.LayerDirectories.Sum(Directories.Usage);

    /// <summary>The steps of an image's making, the last one first.</summary>
    public static IReadOnlyList<TemplateObject> History(Image image, bool truncate, bool human, DateTimeOffset now)
    {
        var rows = new List<TemplateObject>();
        int layer = 0;
        IEnumerable<ImageHistory> steps = image.Config.History.Count > 0 ? image.Config.History
            : image.LayerDirectories.Select(_ => new ImageHistory(image.Config.Created, "", "", false));
        foreach (ImageHistory step in steps)
        {
            string? directory = step.EmptyLayer || layer >= image.LayerDirectories.Count ? null : image.LayerDirectories[layer++];
            string by = step.CreatedBy.Replace('\t', ' ').ReplaceLineEndings(" ");
            rows.Add(new TemplateObject()
                .Add("CreatedAt", step.Created?.ToLocalTime().ToString("yyyy-MM-dd'T'HH:mm:sszzz") ?? "")
                .Add("CreatedSince", step.Created is not { } at ? "N/A" : human ? ContainerView.Ago(now - at) + " ago" : at.ToLocalTime().ToString("yyyy-MM-dd'T'HH:mm:sszzz"))
                .Add("CreatedBy", truncate && by.Length > 45 ? by[..44] + "…" : by)
                .Add("Size", () => directory is null ? human ? "0B" : "0" : human ? new ByteSize(Directories.Usage(directory)).ToDecimalString() : Directories.Usage(directory).ToString())
                .Add("Comment", step.Comment)
                .Also("Tags", () => ""));
        }

        rows.Reverse();
        for (int i = 0; i < rows.Count; i++)
        {
            rows[i].Add("ID", i > 0 ? "<missing>" : truncate ? image.Id[..12] : "sha256:" + image.Id);
        }

        return rows;
    }

    /// <summary>As Docker writes a set: an object whose members are empty.</summary>
    private static TemplateObject Keys(IEnumerable<string> names) => names.Aggregate(new TemplateObject(), (all, name) => all.Add(name, new TemplateObject()));

    /// <summary>Times in nanoseconds, as Docker and Podman have them.</summary>
    private static TemplateObject Healthcheck(ImageHealthcheck health)
    {
        const long nanosecondsInTick = 100;
        var shown = new TemplateObject().Add("Test", health.Test.Cast<object?>().ToList());
        foreach ((string name, TimeSpan time) in (ReadOnlySpan<(string, TimeSpan)>)
            [("Interval", health.Interval), ("Timeout", health.Timeout), ("StartPeriod", health.StartPeriod), ("StartInterval", health.StartInterval)])
        {
            shown.Add(name, time.Ticks * nanosecondsInTick);
        }

        return shown.Add("Retries", health.Retries);
    }

    /// <summary>The directories that overlayfs shows as the image's files, the topmost first, under the keys of Docker's driver <c>overlay2</c>.</summary>
    private static TemplateObject GraphDriver(Image image)
    {
        string[] topmost = [.. image.LayerDirectories.Reverse()];
        var places = new TemplateObject();
        if (topmost.Length > 1)
        {
            places.Add("LowerDir", string.Join(':', topmost.Skip(1)));
        }

        return new TemplateObject().Add("Name", "overlay").Add("Data", topmost.Length == 0 ? places : places.Add("UpperDir", topmost[0]));
    }

    /// <summary>By the names of OCI's configuration (image-spec config.md, "history"), as Podman has it.</summary>
    private static TemplateObject Step(ImageHistory step)
    {
        var shown = new TemplateObject();
        foreach ((string name, object? value) in (ReadOnlySpan<(string, object?)>)
            [("created", step.Created?.UtcDateTime.ToString("O")), ("created_by", step.CreatedBy), ("comment", step.Comment.Length > 0 ? step.Comment : null), ("empty_layer", step.EmptyLayer ? true : null)])
        {
            _ = value is null ? shown : shown.Add(name, value);
        }

        return shown;
    }

    /// <summary>Everything about an image.</summary>
    public static TemplateObject Inspect(ImageStore images, Image image)
    {
        ImageConfig config = image.Config;
        IReadOnlyList<ImageName> names = images.NamesOf(image.Id);
        return new TemplateObject()
            .Add("Id", "sha256:" + image.Id)
            .Add("RepoTags", Tags(names))
            .Add("RepoDigests", Digests(images, image, names))
            .Add("Digest", images.DigestOf(image.Id) ?? DigestOf(images, names.Cast<ImageName?>().FirstOrDefault(), image) ?? "")
            .Add("Parent", "")
            .Add("Comment", config.History.Count > 0 ? config.History[^1].Comment : "")
            .Add("Created", config.Created?.UtcDateTime.ToString("O") ?? "")
            .Add("Author", config.Author)
            .Add("Architecture", config.Architecture)
            .Add("Os", config.Os)
            .Add("Variant", config.Variant ?? "")
            .Add("Size", () => SizeOf(image))
            .Add("VirtualSize", () => SizeOf(image))
            .Add("Labels", config.Labels)
            .Add("Annotations", () => images.AnnotationsOf(image.Id))
            .Add("Config", new TemplateObject()
                .Add("User", config.User)
                .Add("Env", config.Env.Cast<object?>().ToList())
                .Add("Entrypoint", config.Entrypoint.Cast<object?>().ToList())
                .Add("Cmd", config.Cmd.Cast<object?>().ToList())
                .Add("WorkingDir", config.WorkingDir)
                .Add("ExposedPorts", Keys(config.ExposedPorts))
                .Add("Volumes", Keys(config.Volumes))
                .Add("Labels", config.Labels)
                .Add("StopSignal", config.StopSignal ?? "")
                .Add("Healthcheck", config.Healthcheck is { } health ? Healthcheck(health) : null)
                .Add("OnBuild", config.OnBuild.Cast<object?>().ToList())
                .Add("Shell", config.Shell.Cast<object?>().ToList()))
            .Add("GraphDriver", GraphDriver(image))
            .Add("User", config.User)
            .Add("ManifestType", () => images.Blobs.ManifestOf(image.Id)?.MediaType ?? MediaTypes.OciManifest)
            .Add("History", () => config.History.Select(step => (object?)Step(step)).ToList())
            .Add("RootFS", new TemplateObject().Add("Type", "layers").Add("Layers", config.DiffIds.Cast<object?>().ToList()))
            .Add("Metadata", new TemplateObject().Add("LayerDirectories", image.LayerDirectories.Cast<object?>().ToList()));
    }
}
