using Timur.Images;
using Timur.Kernel;
using Timur.Oci;
using Timur.State;

namespace Timur.Engine;

/// <summary>The mounts inside a container: the kernel's file systems, its own files in /etc, volumes, tmpfs.</summary>
internal sealed class MountPlan(RunOptions options, DataPaths paths, string containerDirectory)
{
    private readonly List<MountSpec> _mounts = [];
    private readonly HashSet<string> _volumes = [];

    /// <summary>Directories of volumes, which have to exist before the container starts.</summary>
    internal IReadOnlySet<string> Volumes => _volumes;

    internal IReadOnlyList<MountSpec> Build(Image? image, bool hasOwnNetwork)
    {
        AddKernelFileSystems();
        if (image is { IsHost: true })
        {
            foreach (string directory in HostImage.HiddenDirectories)
            {
                AddTmpfs(directory, directory is "/tmp" or "/var/tmp" ? "mode=1777" : "mode=755");
            }
        }

        AddOwnFiles(hasOwnNetwork);
        AddVolumes();
        foreach (string text in options.Texts("tmpfs"))
        {
            int colon = text.IndexOf(':');
            AddTmpfs(Absolute(colon < 0 ? text : text[..colon], "--tmpfs"), colon < 0 ? "" : text[(colon + 1)..]);
        }

        foreach (string volume in image?.Config.Volumes ?? [])
        {
            if (!_mounts.Exists(mount => mount.Destination == volume))
            {
                Bind(AnonymousVolume(volume), volume, "");
            }
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

    private void AddVolumes()
    {
        foreach (string text in options.Texts("volume"))
        {
            string[] parts = text.Split(':');
            if (parts.Length == 1)
            {
                string place = Absolute(parts[0], "--volume");
                Bind(AnonymousVolume(place), place, "");
                continue;
            }

            string inside = Absolute(parts[1], "--volume");
            Bind(parts[0], inside, parts.Length > 2 ? parts[2] : "", isNamed: !parts[0].StartsWith('/'));
        }

        foreach (string text in options.Texts("mount"))
        {
            AddMount(text);
        }
    }

    /// <summary><c>type=bind,src=/a,dst=/b,readonly</c></summary>
    private void AddMount(string text)
    {
        string type = "volume";
        string source = "";
        string inside = "";
        var extra = new List<string>();
        foreach (string part in text.Split(','))
        {
            int equals = part.IndexOf('=');
            (string key, string value) = equals < 0 ? (part, "") : (part[..equals], part[(equals + 1)..]);
            switch (key)
            {
                case "type": type = value; break;
                case "src" or "source": source = value; break;
                case "dst" or "destination" or "target": inside = value; break;
                case "ro" or "readonly": extra.Add(value is "false" or "0" ? "rw" : "ro"); break;
                case "bind-propagation": extra.Add(value); break;
                case "tmpfs-size": extra.Add($"size={ByteSize.Parse(value, "tmpfs-size").Bytes}"); break;
                case "tmpfs-mode": extra.Add($"mode={value}"); break;
                default: throw new Failure($"--mount: unknown key '{key}'", "known: type, src, dst, readonly, bind-propagation, tmpfs-size, tmpfs-mode");
            }
        }

        string place = Absolute(inside, "--mount");
        switch (type)
        {
            case "bind": Bind(source, place, string.Join(',', extra)); break;
            case "volume" when source.Length == 0: Bind(AnonymousVolume(place), place, string.Join(',', extra)); break;
            case "volume": Bind(source, place, string.Join(',', extra), isNamed: true); break;
            case "tmpfs": AddTmpfs(place, string.Join(',', extra)); break;
            default: throw new Failure($"--mount: unknown type '{type}'", "known: bind, volume, tmpfs");
        }
    }

    private void Bind(string source, string inside, string optionText, bool isNamed = false)
    {
        string[] words = BindOptions(inside, optionText);
        if (isNamed)
        {
            source = NamedVolume(source);
        }

        if (!Path.IsPathFullyQualified(source))
        {
            throw new Failure($"mount {inside}: the source '{source}' isn't an absolute path", "write it from the root, such as /srv/files");
        }

        if (Files.TryStatus(source, out Errno why, follow: true) is null && !_volumes.Contains(source))
        {
            throw new Failure($"mount {inside}: {source}: {why.Describe()}", "make it first, or correct the path; Timur doesn't invent directories on this machine");
        }

        Add(inside, "bind", source, words);
    }

    private static string[] BindOptions(string inside, string optionText)
    {
        var words = new List<string> { "rbind" };
        bool hasPropagation = false;
        foreach (string word in optionText.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            if (word is not ("ro" or "rw" or "z" or "Z" or "shared" or "rshared" or "slave" or "rslave" or "private" or "rprivate" or "nosuid" or "nodev" or "noexec" or "nocopy" or "rro"))
            {
                throw new Failure($"mount {inside}: unknown option '{word}'", "known: ro, rw, rro, shared, slave, private and their r-forms, nosuid, nodev, noexec, nocopy");
            }

            hasPropagation |= word.EndsWith("shared", StringComparison.Ordinal) || word.EndsWith("slave", StringComparison.Ordinal) || word.EndsWith("private", StringComparison.Ordinal);
            if (word is not ("z" or "Z" or "nocopy"))
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

    private string NamedVolume(string name)
    {
        if (name.Length < 2 || name.AsSpan().IndexOfAnyExcept("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") >= 0 || name[0] == '.')
        {
            throw new Failure($"'{name}' isn't a volume name", "a path starts with '/' or './'; names have letters, digits, '_', '.' and '-'");
        }

        string directory = $"{paths.Volumes}/{name}/_data";
        _volumes.Add(directory);
        return directory;
    }

    /// <summary>Belongs to the container and goes with it.</summary>
    private string AnonymousVolume(string inside)
    {
        string directory = $"{containerDirectory}/volumes/{inside.Trim('/').Replace('/', '-')}";
        _volumes.Add(directory);
        return directory;
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
