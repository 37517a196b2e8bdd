using System.Text;
using Timur.Build.Contexts;
using Timur.Build.Dockerfiles;
using Timur.Digests;
using Timur.Images;
using Timur.Images.Tar;
using Timur.Kernel;
using Timur.State;

namespace Timur.Build;

/// <summary>COPY and ADD: files of the context, of another stage or image, of here-documents, archives and the network.</summary>
internal sealed class CopyStep : LayerStep, IDisposable
{
    /// <summary>Below this size, loading OpenSSL takes longer than it saves.</summary>
    private const ulong LargeFile = 1 << 20;

    private readonly CopyInstruction _instruction;
    private readonly CopySources _sources;
    private readonly Expansion _expansion;
    private readonly string _target;
    private readonly bool _intoDirectory;
    private readonly (uint User, uint Group)? _owner;
    private readonly ModeChange? _mode;
    private readonly string? _modeText;
    private readonly IgnoreRules _excluded;

    internal CopyStep(StageBuild stage, CopyInstruction instruction)
        : base(stage)
    {
        _instruction = instruction;
        _expansion = stage.Expansion(instruction.At);
        string target = _expansion.Word(instruction.Target);
        _target = SourceTree.Clean(target.StartsWith('/') ? target : $"{stage.State.Config.WorkingDir}/{target}");
        _excluded = IgnoreRules.Of(instruction.Excluded.Select(_expansion.Word));
        _owner = instruction.Owner is { } owner ? CopyOwner.Find(_expansion.Word(owner), stage.State.LayerDirectories, instruction.At) : null;
        string? mode = instruction.Mode is { } written ? _expansion.Word(written) : null;
        _mode = mode is null ? null : ModeChange.TryParse(mode) ?? throw instruction.At.Error($"--chmod={mode} isn't a mode", "for example --chmod=755, or --chmod=u=rwX,go=rX");
        _modeText = mode;
        _sources = new CopySources(stage, instruction, _expansion);
        _intoDirectory = target.EndsWith('/') || target is "." or ".." || target.EndsWith("/.", StringComparison.Ordinal) || _target.Length == 0 || instruction.KeepsParents;
        if (_sources.Items.Count > 1 && !_intoDirectory && _sources.IsSeveral)
        {
            _sources.Dispose();
            throw instruction.At.Error($"several files can't be copied to one name, {target}", "end the target with /, so that it is a directory");
        }
    }

    internal override string CreatedBy
    {
        get
        {
            string owner = _instruction.Owner is null ? "" : $"--chown={_instruction.Owner} ";
            string mode = _instruction.Mode is null ? "" : $"--chmod={_instruction.Mode} ";
            string from = _instruction.From is null ? "" : $"--from={_instruction.From} ";
            return $"{_instruction.Keyword} {from}{owner}{mode}{string.Join(' ', _instruction.Sources.Select(_expansion.Word))} {_expansion.Word(_instruction.Target)}";
        }
    }

    private IReadOnlyList<string> Below => _instruction.IsLink ? [] : Stage.State.LayerDirectories;

    public void Dispose() => _sources.Dispose();

    internal override string Key()
    {
        StepKey key = KeyOf("copy", _instruction.IsLink ? [] : null)
            .Add(_target).Add(_intoDirectory.ToString()).Add(_owner?.ToString()).Add(_modeText).Add(_instruction.KeepsParents.ToString());
        foreach (CopyItem item in _sources.Items)
        {
            key.Add("item").Add(item.Match.Kind.ToString()).Add(Path.GetFileName(item.Match.Path)).Add(_instruction.KeepsParents ? item.Match.Kept : "").Add((item.Archive is not null).ToString());
            AddTree(key, item.Tree, item.Match, _excluded);
        }

        return key.Finish();
    }

    internal override KeptLayer? Make() => Change(Below, tree =>
    {
        using var target = new TargetTree(tree, _instruction.At);
        foreach (CopyItem item in _sources.Items)
        {
            Build.Cancel.ThrowIfCancellationRequested();
            if (item.Archive is not null)
            {
                Unpack(target, item);
            }
            else
            {
                Copy(target, item);
            }
        }
    });

    /// <summary>Adds everything that is copied to a key, but for its times.</summary>
    internal static void AddTree(StepKey key, SourceTree tree, SourceMatch match, IgnoreRules excluded) => tree.Walk(match, excluded, entry => Add(key, entry, tree.KeepsOwners));

    private static void Add(StepKey key, TreeEntry entry, bool keepsOwners)
    {
        FileStatus status = entry.Status;
        key.Add(entry.Path).Add($"{status.Kind} {status.Permissions} {status.SpecialMajor}:{status.SpecialMinor}").Add(entry.LinkTarget);
        if (keepsOwners)
        {
            key.Add($"{status.UserId}:{status.GroupId}");
        }

        foreach ((byte[] name, byte[] value) in entry.Extended.Where(one => TargetTree.IsKept(one.Name)))
        {
            key.Add(name).Add(value);
        }

        if (entry.Content is not null)
        {
            key.Add(DigestOf(entry));
        }
    }

    private static string DigestOf(TreeEntry entry)
    {
        byte[] buffer = new byte[128 * 1024];
        using StreamSha256? large = entry.Status.Size > LargeFile ? new StreamSha256() : null;
        var small = new Sha256();
        int count;
        while ((count = Files.Read(entry.Content!, buffer)) > 0)
        {
            if (large is null)
            {
                small.Append(buffer.AsSpan(0, count));
            }
            else
            {
                large.Append(buffer.AsSpan(0, count));
            }
        }

        return large?.FinishHex() ?? small.FinishHex();
    }

    private void Copy(TargetTree target, CopyItem item)
    {
        SourceMatch match = item.Match;
        bool isDirectory = match.Kind == FileKind.Directory;
        bool into = _intoDirectory || (!isDirectory && target.HasDirectory(_target));
        string place = _instruction.KeepsParents ? Join(_target, match.Kept) : isDirectory || !into ? _target : Join(_target, Path.GetFileName(match.Path));
        string above = isDirectory ? place : place.Contains('/') ? place[..place.LastIndexOf('/')] : "";
        target.MakeDirectories(above, _owner?.User ?? 0, _owner?.Group ?? 0);
        byte[] root = Encoding.UTF8.GetBytes(place);
        item.Tree.Walk(match, _excluded, entry =>
        {
            byte[] path = !isDirectory ? root : root.Length == 0 ? entry.Path : [.. root, (byte)'/', .. entry.Path];
            FileStatus status = entry.Status;
            bool keeps = item.Tree.KeepsOwners;
            target.Copy(path, entry, new OwnerAndTimes(
                ModeOf(status), _owner?.User ?? (keeps ? status.UserId : 0), _owner?.Group ?? (keeps ? status.GroupId : 0), status.ModifiedSeconds, status.ModifiedNanoseconds));
        });
    }

    private void Unpack(TargetTree target, CopyItem item)
    {
        target.MakeDirectories(_target, _owner?.User ?? 0, _owner?.Group ?? 0);
        using Fd directory = target.OpenDirectory(_target);
        using Stream plain = item.Archive!();
        if (_mode is null)
        {
            using var unpacker = new LayerUnpacker(plain, directory) { IsLayer = false, Owner = attributes => attributes with { UserId = _owner?.User ?? attributes.UserId, GroupId = _owner?.Group ?? attributes.GroupId } };
            unpacker.Run();
            return;
        }

        // Unpacked aside: what a mode comes to depends on what the thing is.
        (string aside, FileLock held) = Build.Layers.NewDirectory();
        try
        {
            using Fd root = Files.Open(aside, Open.Read | Open.Directory);
            using (var unpacker = new LayerUnpacker(plain, root) { IsLayer = false })
            {
                unpacker.Run();
            }

            using var merge = new TreeMerge(directory) { TakesRoot = false, Owner = Changed };
            TreeReader.Walk(root, merge.Add);
            merge.Finish();
        }
        finally
        {
            Directories.RemoveTree(aside);
            held.Dispose();
        }
    }

    /// <summary>Owner and mode as --chown and --chmod want them.</summary>
    private FileStatus Changed(FileStatus status) => status with
    {
        UserId = _owner?.User ?? status.UserId, GroupId = _owner?.Group ?? status.GroupId,
        Permissions = ModeOf(status),
    };

    private uint ModeOf(FileStatus status)
        => status.Kind == FileKind.SymbolicLink || _mode is null ? status.Permissions : _mode.Apply(status.Permissions, status.Kind == FileKind.Directory);

    private static string Join(string directory, string name) => directory.Length == 0 ? name : name.Length == 0 ? directory : $"{directory}/{name}";
}
