using System.Text;
using Timur.Build.Contexts;
using Timur.Build.Dockerfiles;
using Timur.Images;
using Timur.Images.Compression;
using Timur.Images.Tar;
using Timur.Kernel;
using Timur.State;

namespace Timur.Build;

/// <summary>The files and the Dockerfile of a build, wherever they come from: a directory, an archive on standard input or at an address, a git repository.</summary>
public sealed class BuildContext : IDisposable
{
    private static readonly string[] DefaultNames = ["Containerfile", "Dockerfile"];

    private readonly LayerMaking _making;
    private string? _ignoreFile;
    private string? _temporary;
    private FileLock? _held;

    private BuildContext(LayerMaking making) => _making = making;

    public SourceTree Tree { get; private set; } = null!;

    public Dockerfile Dockerfile { get; private set; } = null!;

    /// <param name="place">A directory, <c>-</c>, a git address, or the address of an archive or a Dockerfile.</param>
    /// <param name="file">The Dockerfile; <c>-</c> is standard input, null looks for the usual names.</param>
    /// <param name="input">Standard input.</param>
    /// <param name="ignoreFile">What to read instead of .dockerignore; null looks for the usual names.</param>
    public static BuildContext Open(ImageStore images, string place, string? file, Func<Stream> input, string? ignoreFile = null)
    {
        var context = new BuildContext(new LayerMaking(images)) { _ignoreFile = ignoreFile };
        try
        {
            if (place == "-")
            {
                context.FromStream(input(), "standard input", file);
            }
            else if (GitSource.TryParse(place) is { } git)
            {
                string directory = context.NewDirectory();
                git.Fetch(directory, commit: null, keepsGit: false);
                context.FromDirectory($"{directory}/{SourceTree.Clean(git.Directory)}", file is null ? null : $"{directory}/{SourceTree.Clean(git.Directory)}/{file}", input);
            }
            else if (RemoteFile.IsAddress(place))
            {
                using Stream answer = RemoteFile.Open(place);
                context.FromStream(answer, place, file);
            }
            else
            {
                context.FromDirectory(Path.GetFullPath(place), file, input);
            }

            return context;
        }
        catch
        {
            context.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        Tree?.Dispose();
        if (_temporary is not null)
        {
            Directories.RemoveTree(_temporary);
        }

        _held?.Dispose();
    }

    private void FromDirectory(string directory, string? file, Func<Stream> input)
    {
        if (Files.TryStatus(directory, out Errno why, follow: true) is not { Kind: FileKind.Directory })
        {
            throw new Failure($"build: {directory}: {(why == Errno.None ? "not a directory" : why.Describe())}", "give the directory that COPY takes files from, such as timur build .");
        }

        string name = file ?? Array.Find(DefaultNames, one => Files.Exists($"{directory}/{one}"))
            ?? throw new Failure($"build: {directory} has neither a Containerfile nor a Dockerfile", "name it with -f FILE");
        string path = file is null || (!Files.Exists(Path.GetFullPath(name)) && Files.Exists($"{directory}/{name}")) ? $"{directory}/{name}" : Path.GetFullPath(name);
        string text = file == "-" ? ReadAll(input()) : Encoding.UTF8.GetString(Files.TryReadAll(path, out why) ?? throw new Failure($"build: {path}: {why.Describe()}", "name the Dockerfile with -f FILE"));
        Dockerfile = Dockerfile.Parse(file == "-" ? "standard input" : Path.GetFileName(name), text);
        Tree = new SourceTree(Files.Open(directory, Kernel.Open.Read | Kernel.Open.Directory), Ignored(directory, file == "-" ? null : path), keepsOwners: false, "the context");
    }

    /// <summary>An archive is the context; anything else is the Dockerfile of a build without one.</summary>
    private void FromStream(Stream input, string what, string? file)
    {
        string directory = NewDirectory();
        byte[] head = new byte[512];
        int count = input.ReadAtLeast(head, head.Length, throwOnEndOfStream: false);
        var whole = new JoinedStream(head.AsMemory(0, count), input);
        if (ArchiveFile.IsCompressed(head) || (count == head.Length && ArchiveFile.IsHeader(head)))
        {
            using (Fd root = Files.Open(directory, Kernel.Open.Path | Kernel.Open.Directory))
            using (Stream plain = Decompression.OpenGiven(whole))
            using (var unpacker = new LayerUnpacker(plain, root) { IsLayer = false })
            {
                unpacker.Run();
            }

            FromDirectory(directory, file is null ? null : $"{directory}/{SourceTree.Clean(file)}", () => Stream.Null);
            return;
        }

        if (file is not null)
        {
            throw new Failure($"build: {what} is no archive, so there is no context to find the Dockerfile in", "leave out -f, or send an archive: tar -c . | timur build -f FILE -");
        }

        Dockerfile = Dockerfile.Parse(what, ReadAll(whole));
        Tree = new SourceTree(Files.Open(directory, Kernel.Open.Read | Kernel.Open.Directory), IgnoreRules.None, keepsOwners: false, "the context, which is empty");
    }

    private IgnoreRules Ignored(string directory, string? dockerfile)
    {
        if (_ignoreFile is not null)
        {
            return IgnoreRules.Parse(Encoding.UTF8.GetString(Files.TryReadAll(_ignoreFile, out Errno why) ?? throw new Failure($"--ignorefile {_ignoreFile}: {why.Describe()}", "give a readable file with the lines of a .dockerignore")));
        }

        string[] places = dockerfile is null ? [] : [$"{dockerfile}.dockerignore", $"{dockerfile}.containerignore"];
        foreach (string path in (string[])[.. places, $"{directory}/.containerignore", $"{directory}/.dockerignore"])
        {
            if (Files.TryReadAll(path, out _) is { } bytes)
            {
                return IgnoreRules.Parse(Encoding.UTF8.GetString(bytes));
            }
        }

        return IgnoreRules.None;
    }

    private string NewDirectory()
    {
        (_temporary, _held) = _making.NewDirectory();
        string directory = _temporary + "/context";
        Directories.Create(directory);
        return directory;
    }

    private static string ReadAll(Stream stream)
    {
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return reader.ReadToEnd();
    }

    /// <summary>What was read already, and the rest.</summary>
    private sealed class JoinedStream(ReadOnlyMemory<byte> head, Stream rest) : ForwardStream
    {
        private int _given;

        public override int Read(Span<byte> buffer)
        {
            int count = Math.Min(buffer.Length, head.Length - _given);
            if (count == 0)
            {
                return rest.Read(buffer);
            }

            head.Span.Slice(_given, count).CopyTo(buffer);
            _given += count;
            return count;
        }
    }
}
