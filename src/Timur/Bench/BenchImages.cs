using Timur.Bench.Candidates;
using Timur.Bench.Figures;
using Timur.Images;

namespace Timur.Bench;

/// <summary>The image that brings sysbench along.</summary>
internal static class BenchImages
{
    /// <summary>Made at the first benchmark and kept like any other image.</summary>
    private const string Own = "timur-bench";
    private const string Release = "debian:bookworm";

    internal static BenchImage Find(Workplace work, BenchOptions options, Display display)
    {
        bool needsSysbench = options.Loads.Any(load => load is SysbenchLoad);
        BenchImage image = BenchImage.Open(work, options.Image ?? Bootstrapped(work, display));
        return needsSysbench && !image.Has("sysbench")
            ? throw new Failure(
                $"bench: image {image.Reference} has no sysbench",
                "leave --image out and one is made, install sysbench in the image, or measure a container's life only: --only life")
            : image;
    }

    private static string Bootstrapped(Workplace work, Display display)
    {
        var store = ImageStore.Open(work.Paths);
        if (store.TryResolve(Own) is null)
        {
            display.Say($"making the image {Own} from {Release} with sysbench, once (half a minute)");
            try
            {
                new ImageBootstrap(store).Bootstrap(Release, ["sysbench"], null, ImageName.Parse(Own), _ => { });
            }
            catch (Failure e)
            {
                throw new Failure(
                    $"bench: the image with sysbench can't be made: {e.Message}",
                    $"{e.Advice ?? "see above"}; or install sysbench on this machine and run timur bench --image host", cause: e);
            }
        }

        return Own;
    }
}
