using Timur.CommandLine;
using Timur.Engine;
using Timur.Images;
using Timur.Kernel;

namespace Timur.Cli;

/// <summary><c>timur cp</c>: copy files between this machine and a container, or between containers.</summary>
internal static class CopyCommand
{
    internal static readonly Option[] Options =
    [
        Option.Flag("archive", "keep owner and group", 'a'),
        Option.Flag("follow-link", "copy what a symbolic link leads to, if the source is one", 'L'),
        Option.Flag("quiet", "say nothing", 'q'),
        Option.Taken("pause"),
    ];

    internal static int Run(CommandContext context, Arguments arguments)
    {
        context.RequireRoot();
        (string source, string target) = Operands.Two(arguments, "cp", "SOURCE", "TARGET");
        (string? from, string fromPath) = Split(source);
        (string? to, string toPath) = Split(target);
        if (from is null && to is null)
        {
            throw new Failure("cp: neither is in a container", "write CONTAINER:PATH for one of them");
        }

        var store = new ContainerStore(context.Paths);
        Container container = store.Find((from ?? to)!, 1);
        if (from is not null && to is not null)
        {
            CopyBetween(store, ImageStore.Open(context.Paths), (container, fromPath), (store.Find(to, 1), toPath), arguments);
            return 0;
        }

        using ContainerTree tree = ContainerTree.OpenWhole(store, ImageStore.Open(context.Paths), container);
        using var copy = new ContainerCopy(tree, container.Name, new CopyOptions(arguments.Has("archive"), arguments.Has("follow-link")));
        if (from is not null && toPath == "-")
        {
            ArchiveOutput.Write(null, "cp", stream => copy.CopyOut(fromPath, stream));
        }
        else if (from is not null)
        {
            copy.CopyOut(fromPath, toPath);
        }
        else if (fromPath == "-")
        {
            CopyFromInput(copy, toPath);
        }
        else
        {
            copy.CopyIn(fromPath, toPath);
        }

        return 0;
    }

    /// <summary>Two trees of one container would wait for each other's lock, as would two commands that open two containers in opposite orders.</summary>
    private static void CopyBetween(ContainerStore store, ImageStore images, (Container Container, string Path) from, (Container Container, string Path) to, Arguments arguments)
    {
        var options = new CopyOptions(arguments.Has("archive"), arguments.Has("follow-link"));
        var opened = new SortedDictionary<string, ContainerTree>(StringComparer.Ordinal);
        try
        {
            foreach (Container container in new[] { from.Container, to.Container }.DistinctBy(one => one.Id.Text).OrderBy(one => one.Id.Text, StringComparer.Ordinal))
            {
                opened[container.Id.Text] = ContainerTree.OpenWhole(store, images, container);
            }

            using var source = new ContainerCopy(opened[from.Container.Id.Text], from.Container.Name, options);
            using var target = new ContainerCopy(opened[to.Container.Id.Text], to.Container.Name, options);
            source.CopyTo(from.Path, target, to.Path);
        }
        finally
        {
            foreach (ContainerTree tree in opened.Values)
            {
                tree.Dispose();
            }
        }
    }

    private static void CopyFromInput(ContainerCopy copy, string path)
    {
        if (Terminal.Is(Descriptors.Standard(0)))
        {
            throw new Failure("cp: standard input is a terminal", "give an archive by a pipe: tar -c FILES | timur cp - CONTAINER:DIR");
        }

        using Stream input = Console.OpenStandardInput();
        copy.CopyIn(input, path);
    }

    /// <summary><c>CONTAINER:PATH</c>; what begins with a slash or a dot, or has a slash before its first colon, is a path of this machine.</summary>
    private static (string? Container, string Path) Split(string text)
    {
        int colon = text.IndexOf(':');
        if (text.Length == 0)
        {
            throw new Failure("cp: a path is empty", "write CONTAINER:PATH, or a path of this machine");
        }

        bool isInContainer = colon > 0 && !text.StartsWith('/') && !text.StartsWith('.') && !text[..colon].Contains('/');
        return isInContainer ? (text[..colon], text[(colon + 1)..]) : (null, text);
    }
}
