using System.Text;
using Timur.Build.Contexts;
using Timur.Build.Dockerfiles;
using Timur.CommandLine;
using Timur.Kernel;
using Timur.State;

namespace Timur.Build;

/// <summary>Something to copy.</summary>
/// <param name="Archive">Opens it as a plain archive, when it is to be unpacked.</param>
internal sealed record CopyItem(SourceTree Tree, SourceMatch Match, Func<Stream>? Archive);

/// <summary>What the sources of COPY or ADD come to: everything is a file or directory in some tree then.</summary>
internal sealed class CopySources : IDisposable
{
    private readonly StageBuild _stage;
    private readonly CopyInstruction _instruction;
    private readonly List<CopyItem> _items = [];
    private readonly List<SourceTree> _trees = [];
    private SourceTree? _tree;
    private string? _directory;
    private FileLock? _held;

    internal CopySources(StageBuild stage, CopyInstruction instruction, Expansion expansion)
    {
        (_stage, _instruction) = (stage, instruction);
        try
        {
            foreach (string word in instruction.Sources)
            {
                HereDocument? document = instruction.Documents.FirstOrDefault(one => word.StartsWith("<<", StringComparison.Ordinal) && word.Contains(one.Name, StringComparison.Ordinal));
                if (document is not null)
                {
                    AddDocument(document, expansion);
                    continue;
                }

                Add(expansion.Word(word));
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    internal IReadOnlyList<CopyItem> Items => _items;

    /// <summary>More than one file: they can't all have one name.</summary>
    internal bool IsSeveral => _items.Count(item => item.Match.Kind != FileKind.Directory && item.Archive is null) > 1 || _instruction.Sources.Count > 1;

    public void Dispose()
    {
        _trees.ForEach(tree => tree.Dispose());
        if (_directory is not null)
        {
            Directories.RemoveTree(_directory);
        }

        _held?.Dispose();
    }

    private void Add(string source)
    {
        if (_instruction.IsAdd && GitSource.TryParse(source) is { } git)
        {
            string directory = NewDirectory();
            git.Fetch(directory, _instruction.Checksum, _instruction.KeepsGit, _instruction.At);
            AddTree(directory, git.Directory);
            return;
        }

        if (_instruction.IsAdd && RemoteFile.IsAddress(source))
        {
            string directory = NewDirectory();
            string name = RemoteFile.Fetch(_stage.Build.Images, source, directory, _instruction.Checksum, _instruction.At, _stage.Build.Cancel);
            AddTree(directory, name, _instruction.Unpacks == true);
            return;
        }

        if (_instruction.Checksum is not null)
        {
            throw _instruction.At.Error("--checksum is for files from the network", "leave it out");
        }

        SourceTree tree = Tree();
        IReadOnlyList<SourceMatch> matches = tree.Find(source);
        if (matches.Count == 0)
        {
            throw Missing(tree, source);
        }

        foreach (SourceMatch match in matches)
        {
            bool mayUnpack = _instruction.IsAdd && _instruction.Unpacks != false && match.Kind == FileKind.Regular;
            _items.Add(new CopyItem(tree, match, mayUnpack ? ArchiveFile.TryFind(tree, match) : null));
        }
    }

    /// <summary>The context, or what --from names.</summary>
    private SourceTree Tree()
    {
        if (_instruction.From is not { } from)
        {
            return _stage.Build.Options.Context;
        }

        if (_tree is null)
        {
            _tree = _stage.SourceOf(_stage.Expansion(_instruction.At).Word(from), _instruction.At);
            _trees.Add(_tree);
        }

        return _tree;
    }

    private void AddDocument(HereDocument document, Expansion expansion)
    {
        string directory = NewDirectory();
        string name = Path.GetFileName(document.Name);
        Files.WriteAll($"{directory}/{name}", Encoding.UTF8.GetBytes(document.Expands ? expansion.Text(document.Content) : document.Content));
        AddTree(directory, name);
    }

    private void AddTree(string directory, string source, bool unpacks = false)
    {
        var tree = new SourceTree(Files.Open(directory, Open.Read | Open.Directory), IgnoreRules.None, keepsOwners: false, "what was fetched");
        _trees.Add(tree);
        SourceMatch match = tree.Find(source) is [var one] ? one : throw _instruction.At.Error($"there is no '{source}' in what was fetched", "check the directory behind the colon");
        _items.Add(new CopyItem(tree, match, unpacks ? ArchiveFile.TryFind(tree, match) : null));
    }

    private string NewDirectory()
    {
        if (_directory is null)
        {
            (_directory, _held) = _stage.Build.Layers.NewDirectory();
        }

        string directory = $"{_directory}/{_items.Count}";
        Directories.Create(directory);
        return directory;
    }

    private Failure Missing(SourceTree tree, string source)
    {
        string path = SourceTree.Clean(source);
        string? ignored = path.Length > 0 && tree.Rules.Ignores(path) ? "the ignore file leaves it out" : null;
        string directory = path.Contains('/') ? path[..path.LastIndexOf('/')] : "";
        using Fd? above = Files.TryOpenInRoot(tree.Root, directory.Length == 0 ? "." : directory, Open.Read | Open.Directory, out _);
        string? near = above is null ? null : Spelling.Nearest(Path.GetFileName(path), Directories.List(above).Select(entry => entry.Name));
        return _instruction.At.Error(
            $"{_instruction.Keyword}: there is no '{source}' in {tree.Title}",
            ignored ?? (near is not null ? $"did you mean {(directory.Length == 0 ? near : $"{directory}/{near}")}?" : "paths are looked up from the root of that tree; nothing outside of it can be copied"));
    }
}
