using System.Text;
using Timur.Build.Contexts;
using Timur.Build.Dockerfiles;
using Timur.Digests;
using Timur.Engine;
using Timur.Images;
using Timur.Kernel;
using Timur.Oci;
using Timur.Runtime;
using Timur.State;
using Timur.Storage;

namespace Timur.Build;

/// <summary>
/// What RUN --mount brings into a step's container. Places that the files so far haven't got are in a layer of their own on top of them, so that none of it is in
/// what the step leaves.
/// </summary>
internal sealed class RunMounts(StageBuild stage, StepContainer container, Place at) : IDisposable
{
    private static readonly string[] Always = ["/proc", "/dev", "/sys"];

    private readonly List<MountSpec> _mounts = [];
    private readonly List<RootMount> _trees = [];
    private readonly List<string> _variables = [];
    private readonly List<(string Path, bool IsDirectory)> _places = [("/etc/hosts", false), ("/etc/hostname", false), ("/etc/resolv.conf", false)];
    private readonly List<FileLock> _locks = [];
    private readonly List<AgentRelay> _relays = [];
    private int _count;

    internal StepMounts Result => new(_mounts, _trees);

    /// <summary>For the command's environment: secrets and agents.</summary>
    internal IReadOnlyList<string> Variables => _variables;

    internal void Add(RunMount mount)
    {
        switch (mount.Type)
        {
            case "bind": AddBind(mount); break;
            case "cache": AddCache(mount); break;
            case "tmpfs": AddTmpfs(mount); break;
            case "secret": AddSecret(mount); break;
            default: AddAgent(mount); break;
        }
    }

    /// <summary>A file that the command is.</summary>
    internal void AddScript(string target, string content)
    {
        string path = $"{container.ContainerDirectory}/script";
        Files.WriteAll(path, Encoding.UTF8.GetBytes(content), 0x1ED);
        Bind(path, target, isDirectory: false, "ro");
    }

    /// <summary>The image with places for what is mounted.</summary>
    internal Image Over(Image image)
    {
        List<string> layers = [.. image.LayerDirectories.Count == 0 ? [EmptyDirectory("nothing")] : image.LayerDirectories];
        using var seen = new SourceTree(LayerTree.Open(layers, stage.Build.Empty), IgnoreRules.None, keepsOwners: true, "the stage");
        string places = EmptyDirectory("places");
        bool any = false;
        foreach ((string path, bool isDirectory) in Always.Select(path => (path, true)).Concat(_places))
        {
            any |= !IsBelowAlways(path) && MountPlaces.Make(seen, places, SourceTree.Clean(path), isDirectory);
        }

        return image with { LayerDirectories = any ? [.. layers, places] : layers };
    }

    public void Dispose()
    {
        _relays.ForEach(relay => relay.Dispose());
        _locks.ForEach(held => held.Dispose());
    }

    /// <summary>Adds what a bind mount shows to a step's key.</summary>
    internal static void AddContent(StageBuild stage, RunMount mount, Place at, StepKey key)
    {
        using OwnedTree tree = TreeOf(stage, mount, at);
        SourceMatch match = Match(tree.Tree, mount, at);
        CopyStep.AddTree(key, tree.Tree, match, IgnoreRules.None);
    }

    private static bool IsBelowAlways(string path) => Always.Any(one => path.StartsWith(one + "/", StringComparison.Ordinal));

    private static OwnedTree TreeOf(StageBuild stage, RunMount mount, Place at)
        => mount.From is { } from ? new OwnedTree(stage.SourceOf(from, at), isOwned: true) : new OwnedTree(stage.Build.Options.Context, isOwned: false);

    private static SourceMatch Match(SourceTree tree, RunMount mount, Place at)
        => tree.Find(mount.Source.Length == 0 ? "." : mount.Source) is [var match] ? match : throw at.Error($"RUN --mount: there is no '{mount.Source}' in {tree.Title}", "check source= and from=");

    private void AddBind(RunMount mount)
    {
        bool isReadOnly = mount.ReadOnly ?? true;
        using OwnedTree tree = TreeOf(stage, mount, at);
        SourceMatch match = Match(tree.Tree, mount, at);
        bool isDirectory = match.Kind == FileKind.Directory;

        // The files of a stage are an overlay, which is mounted in the container's own namespace; so is what may be written over the context.
        string[] layers = mount.From is { } from && stage.LayersOf(from, at) is { } known ? [.. known] : [DirectoryOf(tree.Tree, match)];
        string real = mount.From is not null && stage.LayersOf(mount.From, at) is not null ? match.Real : isDirectory ? "" : Path.GetFileName(match.Real);
        if (layers.Length == 1 && isReadOnly)
        {
            Bind(real.Length == 0 ? layers[0] : $"{layers[0]}/{real}", mount.Target, isDirectory, "ro");
            return;
        }

        string place = EmptyDirectory($"tree{_count++}");
        string upper = EmptyDirectory($"tree-upper{_count}");
        string work = EmptyDirectory($"tree-work{_count}");
        MountStep step = OverlayRoot.Step(layers.Length == 0 ? [EmptyDirectory("nothing")] : layers, upper, work, place, isVolatile: true);
        _trees.Add(new RootMount(step.Type, step.Source, step.Target, step.Attributes, step.Options));

        // Whoever compiles the launch asks what the source is before the overlay is there.
        MakePlaceholder(place, real, isDirectory);
        Bind(real.Length == 0 ? place : $"{place}/{real}", mount.Target, isDirectory, isReadOnly ? "ro" : "rw");
    }

    /// <summary>The directory of the host that shows a match; without what the ignore file leaves out, if there is such.</summary>
    private string DirectoryOf(SourceTree tree, SourceMatch match)
    {
        string root = Files.TryReadLink(tree.Root.ProcPath, out _)!;
        if (tree.Rules.IsEmpty)
        {
            string real = match.Kind == FileKind.Directory ? match.Real : match.Real.Contains('/') ? match.Real[..match.Real.LastIndexOf('/')] : "";
            return real.Length == 0 ? root : $"{root}/{real}";
        }

        string copy = EmptyDirectory($"context{_count++}");
        using Fd directory = Files.Open(copy, Open.Read | Open.Directory);
        using var target = new TargetTree(directory, at);
        byte[] name = match.Kind == FileKind.Directory ? [] : Encoding.UTF8.GetBytes(Path.GetFileName(match.Real));
        tree.Walk(match, IgnoreRules.None, entry => target.Copy(
            name.Length > 0 ? name : entry.Path, entry, new OwnerAndTimes(entry.Status.Permissions, 0, 0, entry.Status.ModifiedSeconds, entry.Status.ModifiedNanoseconds)));
        return copy;
    }

    private void AddCache(RunMount mount)
    {
        string id = Sha256.Hex(Encoding.UTF8.GetBytes(mount.Id ?? mount.Target));
        (string directory, FileLock held, bool isNew) = CacheDirectories.Take(stage.Build.Images, id, mount.Sharing);
        _locks.Add(held);
        if (isNew)
        {
            if (mount.From is not null)
            {
                using SourceTree tree = stage.SourceOf(mount.From, at);
                using Fd root = Files.Open(directory, Open.Read | Open.Directory);
                using var target = new TargetTree(root, at);
                tree.Walk(Match(tree, mount, at), IgnoreRules.None, entry => target.Copy(entry.Path, entry, new OwnerAndTimes(
                    entry.Status.Permissions, entry.Status.UserId, entry.Status.GroupId, entry.Status.ModifiedSeconds, entry.Status.ModifiedNanoseconds)));
            }

            Files.Chown(directory, mount.User, mount.Group);
            Files.Chmod(directory, mount.Mode ?? 0x1ED);
        }

        Bind(directory, mount.Target, isDirectory: true, mount.ReadOnly == true ? "ro" : "rw");
    }

    private void AddTmpfs(RunMount mount)
    {
        string target = Absolute(mount.Target);
        _places.Add((target, true));
        List<string> options = ["nosuid", "nodev"];
        if (mount.Size is { } size)
        {
            options.Add($"size={size}");
        }

        _mounts.Add(new MountSpec { Destination = target, Type = "tmpfs", Source = "tmpfs", Options = options });
    }

    private void AddSecret(RunMount mount)
    {
        string id = mount.Id ?? Path.GetFileName(mount.Target);
        if (!stage.Build.Options.Secrets.TryGetValue(id, out SecretSource? source))
        {
            if (mount.Required)
            {
                throw at.Error($"RUN needs the secret '{id}', which wasn't given", $"timur build --secret id={id},src=FILE, or env=VARIABLE");
            }

            return;
        }

        byte[] bytes = source.Read(id);
        if (mount.Variable is { } variable)
        {
            _variables.Add($"{variable}={Encoding.UTF8.GetString(bytes)}");
            if (mount.Target.Length == 0)
            {
                return;
            }
        }

        // In memory: a secret is never written to a disk.
        Directories.Create(container.RunDirectory, 0x1C0);
        string path = $"{container.RunDirectory}/secret{_count++}";
        Files.WriteAll(path, bytes, 0x180);
        Files.Chown(path, mount.User, mount.Group);
        Files.Chmod(path, mount.Mode ?? 0x100);
        Bind(path, mount.Target.Length == 0 ? $"/run/secrets/{id}" : mount.Target, isDirectory: false, "ro");
    }

    private void AddAgent(RunMount mount)
    {
        string id = mount.Id ?? "default";
        if (!stage.Build.Options.SshAgents.TryGetValue(id, out string? socket))
        {
            if (mount.Required)
            {
                throw at.Error($"RUN needs the ssh agent '{id}', which wasn't given", $"timur build --ssh {id}");
            }

            return;
        }

        string target = mount.Target.Length == 0 ? $"/run/timur/ssh_agent.{_count++}" : Absolute(mount.Target);
        Directories.Create(container.RunDirectory, 0x1C0);
        string own = $"{container.RunDirectory}/agent{_count++}";
        _relays.Add(new AgentRelay(own, socket, mount.Mode ?? 0x180, mount.User, mount.Group));
        Bind(own, target, isDirectory: false, "rw");
        _variables.Add($"SSH_AUTH_SOCK={target}");
    }

    private void Bind(string source, string target, bool isDirectory, string access)
    {
        string place = Absolute(target);
        _places.Add((place, isDirectory));
        _mounts.Add(new MountSpec { Destination = place, Type = "bind", Source = source, Options = ["rbind", "rprivate", access] });
    }

    private string Absolute(string target) => ConfigChange.WorkingDirectory(stage.State.Config.WorkingDir, target);

    private string EmptyDirectory(string name)
    {
        string directory = $"{container.ContainerDirectory}/{name}";
        Directories.Create(directory);
        return directory;
    }

    private static void MakePlaceholder(string place, string real, bool isDirectory)
    {
        if (real.Length == 0)
        {
            return;
        }

        string path = $"{place}/{real}";
        Directories.Create(isDirectory ? path : Path.GetDirectoryName(path)!);
        if (!isDirectory)
        {
            Files.WriteAll(path, []);
        }
    }

    /// <summary>A tree that is disposed unless it is everybody's.</summary>
    private sealed class OwnedTree(SourceTree tree, bool isOwned) : IDisposable
    {
        internal SourceTree Tree => tree;

        public void Dispose()
        {
            if (isOwned)
            {
                tree.Dispose();
            }
        }
    }
}
