namespace Timur.Cli;

/// <summary>The commands that keep images, volumes and files.</summary>
internal static partial class CommandTable
{
    /// <summary>Made anew at each use: fields of a class in several files have no order.</summary>
    private static Command[] Keeping =>
    [
        new("save", "[OPTIONS] IMAGE...", "write images into an archive or directory", () => SaveCommand.Options, SaveCommand.Run)
        {
            Examples = ["timur save -o debian.tar debian:bookworm", "timur save --format oci-dir -o layout debian:bookworm busybox", "timur save busybox | ssh other timur load"],
        },
        new("load", "[OPTIONS]", "take saved images in", () => LoadCommand.Options, LoadCommand.Run) { Examples = ["timur load -i debian.tar.zst", "docker save debian | timur load"] },
        new("export", "[OPTIONS] CONTAINER", "write a container's files into an archive", () => ExportCommand.Options, ExportCommand.Run) { Examples = ["timur export -o web.tar web"] },
        new("cp", "[OPTIONS] [CONTAINER:]PATH|- [CONTAINER:]PATH|-", "copy files between this machine and a container, or between two", () => CopyCommand.Options, CopyCommand.Run)
        {
            Examples = ["timur cp web:/etc/hosts .", "timur cp -a site/. web:/srv/www", "timur cp web:/var/log - | tar -t", "timur cp web:/etc/site.conf other:/etc/"],
        },
        new("history", "[OPTIONS] IMAGE", "how an image was made", () => HistoryCommand.Options, HistoryCommand.Run),
        new("image inspect", "[OPTIONS] IMAGE...", "everything about images", () => InspectCommand.KindOptions, (context, arguments) => InspectCommand.Run(context, arguments, "image")),
        new("image prune", "[OPTIONS]", "remove images that nobody needs", () => ImagePruneCommand.Options, ImagePruneCommand.Run) { Examples = ["timur image prune -a --filter until=240h"] },
        new("image tree", "[OPTIONS] IMAGE", "an image's layers, and whose topmost each is", () => ImageTreeCommand.Options, ImageTreeCommand.Run),
        new("image mount", "[OPTIONS] [IMAGE...]", "show an image's files in a directory of this machine, for reading", () => ImageMountCommand.Options, ImageMountCommand.Mount)
        {
            Examples = ["ls $(timur image mount debian)/etc && timur image unmount debian"],
        },
        new("image unmount", "[OPTIONS] IMAGE...", "take the directory away again", () => ImageMountCommand.UnmountOptions, ImageMountCommand.Unmount),
        new("image exists", "IMAGE", "whether there is such an image: exit code 0 or 1", () => NoOptions, ExistsCommand.Image),
        new("container exists", "CONTAINER", "whether there is such a container: exit code 0 or 1", () => NoOptions, ExistsCommand.Container),
        new("container prune", "[OPTIONS]", "remove containers that don't run", () => PruneCommand.ContainerOptions, PruneCommand.Containers),
        new("system df", "[OPTIONS]", "what the store occupies", () => UsageCommand.Options, UsageCommand.Run) { Examples = ["timur system df -v"] },
        new("system prune", "[OPTIONS]", "remove containers, images and caches that nobody needs", () => PruneCommand.SystemOptions, PruneCommand.Everything)
        {
            Examples = ["timur system prune -a --volumes", "timur system prune --budget 20g"],
        },
        new("manifest create", "[OPTIONS] LIST [IMAGE...]", "begin a list of images for several platforms", () => ManifestCommand.CreateOptions, ManifestCommand.Create)
        {
            Examples = ["timur manifest create registry.example/app:1 app-amd64 app-arm64 && timur manifest push registry.example/app:1"],
        },
        new("manifest add", "[OPTIONS] LIST [docker://]IMAGE", "add an image to a list; docker://IMAGE is one that a registry has", () => ManifestCommand.AddOptions, ManifestCommand.Add),
        new("manifest annotate", "[OPTIONS] LIST IMAGE", "say which platform an image of a list is for, or more of it", () => ManifestCommand.PlatformOptions, ManifestCommand.Annotate),
        new("manifest remove", "LIST IMAGE", "take an image out of a list", () => NoOptions, ManifestCommand.Take),
        new("manifest inspect", "[OPTIONS] NAME", "show a list, or what a registry has under a name", () => ManifestCommand.InspectOptions, ManifestCommand.Inspect),
        new("manifest exists", "LIST", "whether there is such a list: exit code 0 or 1", () => NoOptions, ExistsCommand.ManifestList),
        new("manifest push", "[OPTIONS] LIST [NAME]", "bring a list and its images to a registry", () => ManifestCommand.PushOptions, ManifestCommand.Push),
        new("manifest rm", "LIST...", "remove lists; their images stay", () => NoOptions, ManifestCommand.Remove),
        new("volume create", "[OPTIONS] [NAME]", "make a volume", () => VolumeCommand.CreateOptions, VolumeCommand.Create)
        {
            Examples = ["timur volume create data", "timur volume create --opt type=tmpfs --opt device=tmpfs --opt o=size=64m scratch"],
        },
        new("volume ls", "[OPTIONS]", "list volumes", () => ListOutput.Options, VolumeCommand.List),
        new("volume inspect", "[OPTIONS] NAME...", "everything about volumes", () => VolumeCommand.InspectOptions, VolumeCommand.Inspect),
        new("volume exists", "NAME", "whether there is such a volume: exit code 0 or 1", () => NoOptions, ExistsCommand.Volume),
        new("volume rm", "[OPTIONS] NAME...", "remove volumes with their content", () => VolumeCommand.RemoveOptions, VolumeCommand.Remove),
        new("volume prune", "[OPTIONS]", "remove volumes that no container has", () => VolumeCommand.PruneOptions, VolumeCommand.Prune),
        new("volume export", "[OPTIONS] NAME", "write a volume's content into an archive", () => ExportCommand.Options, VolumeCommand.Export) { Examples = ["timur volume export data | gzip >data.tar.gz"] },
        new("volume import", "NAME FILE|-", "unpack an archive into a volume", () => NoOptions, VolumeCommand.Import),
    ];
}
