using Timur.Images;
using Timur.Kernel;

namespace Timur.Bench.Candidates;

/// <summary>
/// The image whose programs are measured, and its tree as this machine sees it, so that host and containers run the same files.
/// </summary>
internal sealed class BenchImage
{
    private static readonly string[] Loaders = ["/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1", "/lib/ld-musl-x86_64.so.1", "/lib/ld-musl-aarch64.so.1"];
    private static readonly string[] SearchPath = ["/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
    private static readonly string[] Libraries = ["/lib", "/usr/lib", "/lib64", "/usr/lib64", "/usr/local/lib", "/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu", "/usr/lib/aarch64-linux-gnu"];

    private readonly Workplace _work;
    private readonly Image _image;

    private BenchImage(Workplace work, Image image, string tree) => (_work, _image, Tree) = (work, image, tree);

    /// <summary>The name it was asked for by.</summary>
    internal string Reference => _image.Reference;

    internal string Id => _image.Id;

    /// <summary>The merged tree; "/" for the image <c>host</c>.</summary>
    internal string Tree { get; }

    /// <summary>The configuration (config.json) that <c>timur run --network none</c> makes for it.</summary>
    internal string Configuration => field ??= MakeConfiguration();

    internal static BenchImage Open(Workplace work, string reference)
    {
        Image image = ImageStore.Open(work.Paths).Resolve(reference);
        if (image.LayerDirectories.Count == 1)
        {
            return new BenchImage(work, image, image.LayerDirectories[0].TrimEnd('/') is { Length: > 0 } tree ? tree : "/");
        }

        string merged = work.Folder("tree");
        return Mounts.TryMount("overlay", merged, "overlay", out Errno why, 1, $"lowerdir={string.Join(':', image.LayerDirectories.Reverse())}")
            ? new BenchImage(work, image, merged)
            : throw new Failure($"image {reference}: its layers can't be laid over each other: {why.Describe()}");
    }

    /// <summary>Whether the image has this program.</summary>
    internal bool Has(string program) => Find(program) is not null;

    /// <summary>The command that runs a program of the image on this machine, by the image's own loader and libraries.</summary>
    internal string[] OnHost(string program)
    {
        string path = Find(program) ?? throw new Failure($"image {Reference} has no {program}", "choose another image with --image");
        string? loader = Tree == "/" ? null : Loaders.Select(Inside).FirstOrDefault(found => found is not null);
        return loader is null
            ? [path]
            : [loader, "--library-path", string.Join(':', Libraries.Select(directory => Inside(directory)).Where(directory => directory is not null)), path];
    }

    private string? Find(string program) => SearchPath.Select(directory => Inside($"{directory}/{program}")).FirstOrDefault(found => found is not null);

    /// <summary>Where a path of the image is on this machine, its links followed as inside; null when there is nothing.</summary>
    private string? Inside(string path)
    {
        using Fd root = Files.Open(Tree, Kernel.Open.Directory | Kernel.Open.Path);
        using Fd? found = Files.TryOpenInRoot(root, path, Kernel.Open.Path, out _);
        return found is null ? null : Files.TryReadLink(found.ProcPath, out _);
    }

    private string MakeConfiguration()
    {
        string name = _work.Name + "-model";
        _work.OnEnd(_work.Timur("inspect", name), _work.Timur("rm", "--force", name));
        _work.Do(_work.Timur("run", "--detach", "--name", name, "--network", "none", Reference, "sleep", "1000000"));
        string id = _work.Do(_work.Timur("inspect", "--format", "{{.Id}}", name));
        return Files.TryReadText($"{_work.Paths.Containers}/{id}/config.json", out Errno why) ?? throw new ProgramFailed($"the configuration of {name}: {why.Describe()}");
    }
}
