using Timur.Images;
using Timur.Oci;
using Timur.Templates;

namespace Timur.Engine;

/// <summary>Images as lists and <c>inspect</c> show them.</summary>
public static class ImageView
{
    public static TemplateObject Row(ImageName? name, Image image, long size, bool truncate, DateTimeOffset now) => new TemplateObject()
        .Add("ID", truncate ? image.Id[..12] : "sha256:" + image.Id)
        .Add("Repository", name?.Repository ?? "<none>")
        .Add("Tag", name?.Tag ?? "<none>")
        .Add("CreatedSince", image.Config.Created is { } created ? ContainerView.Ago(now - created) + " ago" : "N/A")
        .Add("CreatedAt", image.Config.Created?.ToString("yyyy-MM-dd HH:mm:ss zzz") ?? "N/A")
        .Add("Size", new ByteSize(size).ToDecimalString());

    public static TemplateObject Inspect(ImageStore images, Image image)
    {
        ImageConfig config = image.Config;
        return new TemplateObject()
            .Add("Id", "sha256:" + image.Id)
            .Add("RepoTags", images.NamesOf(image.Id).Select(name => (object?)name.Familiar).ToList())
            .Add("Created", config.Created?.UtcDateTime.ToString("O") ?? "")
            .Add("Architecture", config.Architecture)
            .Add("Os", config.Os)
            .Add("Config", new TemplateObject()
                .Add("User", config.User)
                .Add("Env", config.Env.Cast<object?>().ToList())
                .Add("Entrypoint", config.Entrypoint.Cast<object?>().ToList())
                .Add("Cmd", config.Cmd.Cast<object?>().ToList())
                .Add("WorkingDir", config.WorkingDir)
                .Add("ExposedPorts", config.ExposedPorts.Cast<object?>().ToList())
                .Add("Volumes", config.Volumes.Cast<object?>().ToList())
                .Add("Labels", config.Labels)
                .Add("StopSignal", config.StopSignal ?? ""))
            .Add("RootFS", new TemplateObject().Add("Type", "layers").Add("Layers", config.DiffIds.Cast<object?>().ToList()));
    }
}
