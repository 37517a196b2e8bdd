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
        if (options.Text("platform") is null && (policy == "never" || (policy == "missing" && images.Has(reference))))
        {
            return;
        }

        // Nothing is fetched for a container that can't be made.
        RunOptionRules.Check(options);
        Platform? platform = options.Text("platform") is { } text ? Platform.Parse(text) : null;
        Image? present = images.TryResolve(reference);

        // What is built in isn't made yet, but is this machine's.
        Platform own = present is null ? Platform.Own : new Platform(present.Config.Os, present.Config.Architecture);
        bool isHere = present is not null || images.Has(reference);
        bool fits = isHere && (platform is null || platform.Fit(own) > 0);
        bool hasNoName = reference == "host" || reference.StartsWith("sha256:", StringComparison.Ordinal);
        if (isHere && !fits && (policy == "never" || hasNoName))
        {
            throw new Failure($"{reference} is for {own} and not for {platform}", "leave out --platform, or let the image be pulled");
        }

        if (policy == "never" || (policy == "missing" && fits) || hasNoName)
        {
            return;
        }

        Fetch(images, reference, policy, platform, present, source);
    }

    private static void Fetch(ImageStore images, string reference, string policy, Platform? platform, Image? present, Func<ImageSource> source)
    {
        ImageSource from = source();
        using var shown = from.Progress as IDisposable;
        try
        {
            PulledImage pulled = new ImagePull(images, from.Settings, from.Progress).Pull(reference, platform);
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
