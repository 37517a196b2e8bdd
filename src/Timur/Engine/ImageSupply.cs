using Timur.Images;
using Timur.Images.Registry;

namespace Timur.Engine;

/// <summary>How images are fetched when a container needs one: made only then, since an ordinary start has its image.</summary>
public sealed record ImageSource(RegistrySettings Settings, ITransferProgress Progress);

/// <summary>Sees to it that a container's image is here (<c>--pull</c>).</summary>
public static class ImageSupply
{
    /// <summary>Fetches the image when the options say so; an image that isn't here and can't be fetched is a <see cref="Failure"/>.</summary>
    public static void Ensure(ImageStore images, RunOptions options, Func<ImageSource> source)
    {
        if (options.Image is not { } reference)
        {
            return;
        }

        string policy = options.Text("pull") ?? "missing";
        bool isHere = images.Has(reference);
        if (policy == "never" || (policy == "missing" && isHere && options.Text("platform") is null))
        {
            return;
        }

        Fetch(images, reference, policy, options.Text("platform") is { } platform ? Platform.Parse(platform) : null, source);
    }

    private static void Fetch(ImageStore images, string reference, string policy, Platform? platform, Func<ImageSource> source)
    {
        Image? present = images.TryResolve(reference);
        if (policy == "missing" && present is not null && platform!.Fit(new Platform(present.Config.Os, present.Config.Architecture)) > 0)
        {
            return;
        }

        if (reference.StartsWith("sha256:", StringComparison.Ordinal) || reference == "host")
        {
            return;
        }

        ImageSource from = source();
        using var shown = from.Progress as IDisposable;
        try
        {
            PulledImage pulled = new ImagePull(images, from.Settings, from.Progress).Pull(ImageName.Parse(reference), platform);
            if (pulled.Warning is { } warning)
            {
                from.Progress.Say($"timur: warning: {warning}");
            }
        }
        catch (Failure e) when (policy == "newer" && present is not null)
        {
            from.Progress.Say($"timur: warning: {reference} stays as it is: {e.Message}");
        }
        catch (Failure e) when (policy == "missing" && present is null)
        {
            throw new Failure($"there is no image '{reference}' on this machine, and it can't be pulled: {e.Message}", $"{e.Advice ?? "see above"}; {images.Advice()}", cause: e);
        }
    }
}
