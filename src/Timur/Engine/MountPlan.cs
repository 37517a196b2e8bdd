using Timur.Images;
using Timur.Kernel;
using Timur.Oci;
using Timur.State;
using Timur.Storage;

namespace Timur.Engine;

/// <summary>The mounts inside a container: the kernel's file systems, its own files in /etc, volumes, tmpfs.</summary>
internal sealed class MountPlan(RunOptions options, DataPaths paths, string containerDirectory)
{
    private readonly List<MountSpec> _mounts = [];
    private readonly HashSet<string> _volumes = [];
    private readonly ContainerId _id = ContainerId.Parse(Path.GetFileName(containerDirectory));

    /// <summary>Directories of volumes, which have to exist before the container starts.</summary>
    internal IReadOnlySet<string> Volumes => _volumes;

    /// <summary>What the options and the image ask for.</summary>
    internal IReadOnlyList<WantedMount> Wanted { get; private set; } = [];

    internal IReadOnlyList<MountSpec> Build(Image? image, bool hasOwnNetwork)
    {
        AddKernelFileSystems();
        if (image is { IsHost: true })
        {
            foreach (string directory in HostImage.HiddenDirectories)
            {
                AddTmpfs(directory, directory is "/tmp" or "/var/tmp" ? "mode=1777" : "mode=755");
            }

            // The store may be elsewhere than usual, and has everybody's files and secrets.
            if (!HostImage.HiddenDirectories.Any(hidden => paths.Root == hidden || paths.Root.StartsWith(hidden + "/", StringComparison.Ordinal)))
            {
                AddTmpfs(paths.Root, "mode=755");
            }
        }

        AddOwnFiles(hasOwnNetwork);
        Wanted = WantedMount.Of(options, image, _id);
        foreach (WantedMount wanted in Wanted)
        {
            Add(wanted);
        }

        foreach (string text in options.Texts("tmpfs"))
        {
            int colon = text.IndexOf(':');
            AddTmpfs(Absolute(colon < 0 ? text : text[..colon], "--tmpfs"), colon < 0 ? "" : text[(colon + 1)..]);
        }

        return _mounts;
    }

    private void AddKernelFileSystems()
    {
        // A tmpfs of size 0 has no limit at all.
        string shm = options.Size("shm-size") is not { } size ? (64 << 20).ToString()
            : size > 0 ? size.ToString() : throw new Failure($"--shm-size {options.Text("shm-size")}: nothing would fit", "the usual size is 64m");
        string sysMode = options.Privileged ? "rw" : "ro";
        Add("/proc", "proc", "proc", "nosuid", "noexec", "nodev");
        Add("/dev", "tmpfs", "tmpfs", "nosuid", "strictatime", "mode=755", "size=65536k");
        Add("/dev/pts", "devpts", "devpts", "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5");
        Add("/sys", "sysfs", "sysfs", "nosuid", "noexec", "nodev", sysMode);
        Add("/sys/fs/cgroup", "cgroup", "cgroup", sysMode, "nosuid", "noexec", "nodev");
        if (options.Text("ipc") == "host")
        {
            Add("/dev/mqueue", "bind", "/dev/mqueue", "rbind", "nosuid", "noexec", "nodev");
            Add("/dev/shm", "bind", "/dev/shm", "rbind", "nosuid", "noexec", "nodev");
        }
        else
        {
            Add("/dev/mqueue", "mqueue", "mqueue", "nosuid", "noexec", "nodev");
            Add("/dev/shm", "tmpfs", "shm", "nosuid", "noexec", "nodev", "mode=1777", $"size={shm}");
        }
    }

    /// <summary>hosts, hostname and resolv.conf are the container's own files, so that they can be right before it starts.</summary>
    private void AddOwnFiles(bool hasOwnNetwork)
    {
        foreach (string name in (ReadOnlySpan<string>)["hosts", "hostname", "resolv.conf"])
        {
            bool own = name == "hostname" || hasOwnNetwork || Files.Exists($"{containerDirectory}/{name}");
            string source = own ? $"{containerDirectory}/{name}" : "/etc/" + name;
            if (Files.Exists(source) && options.Text("rootfs") is null)
            {
                Add("/etc/" + name, "bind", source, "bind", "rprivate");
            }
        }
    }

    private void Add(WantedMount wanted)
    {
        switch (wanted.Kind)
        {
            case WantedKind.Tmpfs:
                AddTmpfs(wanted.Destination, string.Join(',', wanted.Options));
                break;
            case WantedKind.Volume:
                _volumes.Add(new VolumeStore(paths).DataOf(wanted.Source));
                List<string> words = [.. BindOptions(wanted.Destination, wanted.Options)];
                if (IdMaps.Of(options, _id) is not null && !words.Contains("idmap"))
                {
                    // What a container writes belongs to the ids inside, whichever it has on the host.
                    words.Add("idmap");
                }

                _mounts.Add(VolumeCreation.ToMount(paths, wanted, [.. words]));
                break;
            default:
                Bind(wanted.Source, wanted.Destination, wanted.Options);
                break;
        }
    }

    private void Bind(string source, string inside, IReadOnlyList<string> given)
    {
        string[] words = BindOptions(inside, given);
        if (words.Contains("idmap") && IdMaps.Of(options, _id) is null)
        {
            throw new Failure($"mount {inside}: idmap without a user namespace has no ids to map", "add --userns auto, or leave idmap out");
        }

        if (!Path.IsPathFullyQualified(source))
        {
            throw new Failure($"mount {inside}: the source '{source}' isn't an absolute path", "write it from the root, such as /srv/files");
        }

        if (Files.TryStatus(source, out Errno why, follow: true) is null)
        {
            throw new Failure($"mount {inside}: {source}: {why.Describe()}", "make it first, or correct the path; Timur doesn't invent directories on this machine");
        }

        Add(inside, "bind", source, words);
    }

    private static string[] BindOptions(string inside, IReadOnlyList<string> given)
    {
        var words = new List<string> { "rbind" };
        bool hasPropagation = false;
        foreach (string word in given)
        {
            if (word is not ("ro" or "rw" or "z" or "Z" or "shared" or "rshared" or "slave" or "rslave" or "private" or "rprivate" or "nosuid" or "nodev" or "noexec" or "rro" or "idmap"))
            {
                throw new Failure($"mount {inside}: unknown option '{word}'", "known: ro, rw, rro, shared, slave, private and their r-forms, nosuid, nodev, noexec, idmap, nocopy");
            }

            hasPropagation |= word.EndsWith("shared", StringComparison.Ordinal) || word.EndsWith("slave", StringComparison.Ordinal) || word.EndsWith("private", StringComparison.Ordinal);
            if (word is not ("z" or "Z"))
            {
                words.Add(word);
            }
        }

        if (!hasPropagation)
        {
            words.Add("rprivate");
        }

        return [.. words];
    }

    private void AddTmpfs(string inside, string optionText)
    {
        var words = new List<string> { "nosuid", "nodev", "noexec" };
        foreach (string word in optionText.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            if (word is "exec" or "suid" or "dev")
            {
                words.Remove("no" + word);
            }

            words.Add(word);
        }

        Add(inside, "tmpfs", "tmpfs", [.. words]);
    }

    private static string Absolute(string path, string option)
        => path.StartsWith('/') && path.Length > 1 ? path : throw new Failure($"{option}: '{path}' isn't an absolute path inside the container", "for example -v /srv/files:/files:ro");

    private void Add(string destination, string type, string source, params ReadOnlySpan<string> mountOptions)
        => _mounts.Add(new MountSpec { Destination = destination, Type = type, Source = source, Options = mountOptions.ToArray() });
}
