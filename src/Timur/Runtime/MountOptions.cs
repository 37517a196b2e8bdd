using Timur.Kernel;
using Timur.Kernel.Launcher;
using Timur.Oci;

namespace Timur.Runtime;

/// <summary>The options of one OCI mount, sorted by what they change (runtime-spec config.md, Linux mount options).</summary>
public sealed class MountOptions
{
    private MountOptions()
    {
    }

    public MountAttributes Set { get; private set; }

    public MountAttributes Clear { get; private set; }

    /// <summary>Attributes to change on the whole tree (<c>rro</c> and its kin).</summary>
    public MountAttributes RecursiveSet { get; private set; }

    public MountAttributes RecursiveClear { get; private set; }

    /// <summary>One of the options says which accesses change times (mount(8)): then what the others would say doesn't hold.</summary>
    public bool NamesAccessTime { get; private set; }

    /// <summary>One of the options is about an attribute.</summary>
    public bool NamesAttribute { get; private set; }

    public bool IsBind { get; private set; }

    public bool IsRecursiveBind { get; private set; }

    /// <summary>A mount binds what is there already, by its type or by an option.</summary>
    internal static bool IsBindMount(MountSpec mount) => mount.Type == "bind" || Parse(mount.Options).IsBind;

    /// <summary>Which mount a path of the container is in: the last of those before another; null where it is in the root itself.</summary>
    internal static int? CoverOf(IReadOnlyList<MountSpec> mounts, int before, string path)
    {
        for (int i = before - 1; i >= 0; i--)
        {
            string top = mounts[i].Destination.TrimEnd('/');
            if (path.StartsWith(top, StringComparison.Ordinal) && (path.Length == top.Length || path[top.Length] == '/'))
            {
                return i;
            }
        }

        return null;
    }

    /// <summary>Copy what the image has at this place into a new tmpfs.</summary>
    public bool TmpCopyUp { get; private set; }

    /// <summary>The mount's ids are mapped, as the container's are unless it says otherwise; true for the whole tree.</summary>
    public bool? IdMap { get; private set; }

    public IReadOnlyList<(Propagation Kind, bool Recursive)> Propagations => _propagations;

    /// <summary>What the file system itself is told; a null value is a flag.</summary>
    public IReadOnlyList<KeyValuePair<string, string?>> Data => _data;

    /// <summary>Options that this runtime understands itself (features.md, mountOptions).</summary>
    public static IReadOnlyList<string> Known { get; } =
    [
        "async", "atime", "bind", "defaults", "dev", "diratime", "dirsync", "exec", "idmap", "iversion", "lazytime", "loud", "mand", "noatime", "nodev", "nodiratime", "noexec", "noiversion",
        "nolazytime", "nomand", "norelatime", "nostrictatime", "nosuid", "nosymfollow", "private", "ratime", "rbind", "rdev", "rdiratime", "relatime", "remount",
        "rexec", "ridmap", "rnoatime", "rnodev", "rnodiratime", "rnoexec", "rnorelatime", "rnostrictatime", "rnosuid", "rnosymfollow", "ro", "rprivate", "rrelatime", "rro", "rrw", "rshared",
        "rslave", "rstrictatime", "rsuid", "rsymfollow", "runbindable", "rw", "shared", "silent", "slave", "strictatime", "suid", "symfollow", "sync", "tmpcopyup",
        "unbindable",
    ];

    private readonly List<(Propagation, bool)> _propagations = [];
    private readonly List<KeyValuePair<string, string?>> _data = [];

    /// <summary>Sorts the options; unknown ones go to the file system.</summary>
    public static MountOptions Parse(IReadOnlyList<string> options)
    {
        var parsed = new MountOptions();
        foreach (string option in options)
        {
            parsed.Add(option);
        }

        return parsed;
    }

    private void Add(string option)
    {
        NamesAccessTime |= option is "noatime" or "strictatime" or "relatime" or "nodiratime";
        NamesAttribute |= option is "norelatime" or "nostrictatime";
        if (TryAttribute(option, out MountAttributes attribute, out bool set))
        {
            NamesAttribute = true;
            (Set, Clear) = set ? (Set | attribute, Clear & ~attribute) : (Set & ~attribute, Clear | attribute);
            return;
        }

        if (option.Length > 1 && option[0] == 'r' && TryAttribute(option[1..], out attribute, out set))
        {
            (RecursiveSet, RecursiveClear) = set ? (RecursiveSet | attribute, RecursiveClear) : (RecursiveSet, RecursiveClear | attribute);
            return;
        }

        switch (option)
        {
            case "bind": IsBind = true; break;
            case "rbind": IsBind = IsRecursiveBind = true; break;
            case "private": _propagations.Add((Propagation.Private, false)); break;
            case "rprivate": _propagations.Add((Propagation.Private, true)); break;
            case "slave": _propagations.Add((Propagation.Slave, false)); break;
            case "rslave": _propagations.Add((Propagation.Slave, true)); break;
            case "shared": _propagations.Add((Propagation.Shared, false)); break;
            case "rshared": _propagations.Add((Propagation.Shared, true)); break;
            case "unbindable": _propagations.Add((Propagation.Unbindable, false)); break;
            case "runbindable": _propagations.Add((Propagation.Unbindable, true)); break;
            case "idmap": IdMap = false; break;
            case "ridmap": IdMap = true; break;
            case "tmpcopyup": TmpCopyUp = true; break;
            case "defaults" or "remount" or "norelatime" or "nostrictatime" or "rnorelatime" or "rnostrictatime" or "async" or "loud" or "silent" or "iversion" or "noiversion" or "nomand" or "nolazytime": break;
            default:
                int equals = option.IndexOf('=');
                _data.Add(equals < 0 ? new(option, null) : new(option[..equals], option[(equals + 1)..]));
                break;
        }
    }

    private static bool TryAttribute(string option, out MountAttributes attribute, out bool set)
    {
        (attribute, set) = option switch
        {
            "ro" => (MountAttributes.ReadOnly, true),
            "rw" => (MountAttributes.ReadOnly, false),
            "nosuid" => (MountAttributes.NoSetuid, true),
            "suid" => (MountAttributes.NoSetuid, false),
            "nodev" => (MountAttributes.NoDevices, true),
            "dev" => (MountAttributes.NoDevices, false),
            "noexec" => (MountAttributes.NoExecute, true),
            "exec" => (MountAttributes.NoExecute, false),
            "noatime" => (MountAttributes.NoAccessTime, true),
            "atime" => (MountAttributes.NoAccessTime, false),
            "strictatime" => (MountAttributes.StrictAccessTime, true),
            "relatime" => (MountAttributes.NoAccessTime | MountAttributes.StrictAccessTime, false),
            "nodiratime" => (MountAttributes.NoDirectoryAccessTime, true),
            "diratime" => (MountAttributes.NoDirectoryAccessTime, false),
            "nosymfollow" => (MountAttributes.NoSymbolicFollow, true),
            "symfollow" => (MountAttributes.NoSymbolicFollow, false),
            _ => (MountAttributes.None, false),
        };
        return attribute != MountAttributes.None;
    }
}
