using Timur.Cgroups;
using Timur.Kernel;
using Timur.Kernel.Launcher;
using Timur.Oci;
using Timur.Runtime.Criu;
using Timur.State;

namespace Timur.Runtime.Containers;

/// <summary>Brings a container back from a checkpoint, under an id that is free.</summary>
public sealed class Restoration(StateRoot root, RuntimeLog log)
{
    private const string LogName = "restore.log";
    private const uint NewNetwork = 0x40000000;

    /// <summary>The terminal's master, when the container has one and no console socket takes it.</summary>
    public Fd? Terminal { get; private set; }

    /// <summary>Restores; a failure leaves nothing behind.</summary>
    public Launched Restore(Bundle bundle, CreateOptions create, CheckpointOptions options, out OciContainer restored)
    {
        IReadOnlyList<string> environment = OwnEnvironment.All();
        int version = CriuVersion.Of(options.Program, environment);
        CriuVersion.Require(version, options.LsmProfile is null && options.LsmMountContext is null ? CriuVersion.Least : CriuVersion.OfSecurityProfiles, "");
        string[] streams = ReadDescriptors(options.ImagePath);
        using var undo = new UndoList();
        using FileLock guard = root.Claim(create.Id);
        string directory = root.DirectoryOf(create.Id);
        undo.Add("state", () => Directories.RemoveTree(directory));
        ContainerRecord record = Creation.Describe(bundle, create);
        Files.WriteAll(directory + "/config.json", bundle.Json, 0x180);
        var warnings = new List<string>();
        using IDisposable? standIn = Creation.StartUnit(bundle.Spec, record, undo);
        Cgroup cgroup = Creation.MakeCgroup(bundle.Spec, record, warnings, undo);
        if (bundle.Filter is { } filter)
        {
            Files.WriteAll(directory + "/filter", filter.Code, 0x180);
        }

        string place = BindRoot(directory, bundle, undo);
        var job = new Job(bundle, create, options, record, directory, cgroup, place, streams);
        Launched launched = Run(job, environment, version, undo);
        restored = new OciContainer(directory, job.Record);
        Unbind(place);
        Creation.Announce(create, launched);
        undo.Keep();
        log.Warn(warnings);
        return launched;
    }

    private sealed record Job(Bundle Bundle, CreateOptions Create, CheckpointOptions Options, ContainerRecord First, string Directory, Cgroup Cgroup, string Root, string[] Streams)
    {
        /// <summary>With the first process, once it is known.</summary>
        internal ContainerRecord Record { get; set; } = First;
    }

    private static string[] ReadDescriptors(string images)
    {
        byte[] bytes = Files.TryReadAll(images + Checkpoint.Descriptors, out Errno why)
            ?? throw new Failure($"{images}{Checkpoint.Descriptors}: {why.Describe().ToLowerInvariant()}", "--image-path names the directory that checkpoint wrote", 1);
        return [.. JsonPart.Parse(System.Text.Encoding.UTF8.GetBytes($$"""{"streams":{{System.Text.Encoding.UTF8.GetString(bytes)}}}"""), images + Checkpoint.Descriptors).Texts("streams")];
    }

    /// <summary>criu wants a root that is a mount, and whose parent isn't covered.</summary>
    private static string BindRoot(string directory, Bundle bundle, UndoList undo)
    {
        CriuMounts.MakePlaces(bundle.Spec, bundle.Rootfs);
        string place = directory + "/root";
        Directories.TryCreate(place, out _, 0x1C0);
        Mounts.Bind(bundle.Rootfs, place, recursive: true);
        undo.Add("root", () => Unbind(place));
        Mounts.MakePrivate(place);
        return place;
    }

    private static void Unbind(string place)
    {
        Mounts.TryUnmount(place, out _, detach: true);
        Directories.TryRemove(place, out _);
    }

    private Launched Run(Job job, IReadOnlyList<string> environment, int version, UndoList undo)
    {
        CheckpointOptions options = job.Options;
        string work = options.WorkPath ?? options.ImagePath;
        Directories.Create(work, 0x1C0);
        using Fd images = Files.Open(options.ImagePath, Open.Read | Open.Directory);
        using Fd logs = Files.Open(work, Open.Read | Open.Directory);
        List<(string Key, Fd Namespace)> namespaces = CriuNamespaces.Open(job.Bundle.Spec, version);
        try
        {
            using var session = CriuSession.Start(options.Program, environment, [.. namespaces.Select(one => one.Namespace)]);
            job.Cgroup.Join(session.Pid);
            session.Ask(CriuCommand.Restore, Request(job, namespaces, session.Pid) with { ImageDirectory = images.Raw, WorkDirectory = logs.Raw }, onNotice: notice => Hear(notice, job, undo));
        }
        catch (Failure)
        {
            CriuLog.Quote(log, $"{work}/{LogName}");
            throw;
        }
        finally
        {
            namespaces.ForEach(one => one.Namespace.Dispose());
        }

        return new Launched(job.Record.Pid, Processes.TryOpen(job.Record.Pid, out Errno why) ?? throw new SyscallException("pidfd_open", why));
    }

    private static CriuOptions Request(Job job, List<(string Key, Fd Namespace)> namespaces, int criu)
    {
        CheckpointOptions options = job.Options;
        Spec spec = job.Bundle.Spec;
        return new CriuOptions
        {
            ImageDirectory = -1,
            Root = job.Root,
            LogFile = LogName,
            EvasiveDevices = true,
            RestoreSibling = true,
            ExternalUnixSockets = options.ExternalUnixSockets,
            TcpEstablished = options.TcpEstablished,
            ShellJob = options.ShellJob,
            FileLocks = options.FileLocks,
            AutoDedup = options.AutoDedup,
            LazyPages = options.LazyPages,
            Cgroups = options.Cgroups,
            CgroupRoots = Memberships(criu),
            EmptyNamespaces = options.EmptyNetwork ? NewNetwork : 0,
            LsmProfile = options.LsmProfile,
            LsmMountContext = options.LsmMountContext,
            ConfigFile = CriuConfiguration.Of(spec),
            ExternalMounts = CriuMounts.Sources(spec, job.Cgroup, job.Bundle.Rootfs),
            JoinedNamespaces = CriuNamespaces.Joined(spec),
            Inherited =
            [
                .. namespaces.Select((one, i) => (one.Key, CriuSession.FirstDescriptor + i)),

                // Pipes of whoever checkpointed it become this process's own streams.
                .. job.Streams.Index().Where(stream => stream.Item.StartsWith("pipe:", StringComparison.Ordinal)).Select(stream => (stream.Item, stream.Index)),
            ],
        };
    }

    /// <summary>Where the criu process is: the restored tree's cgroups are made from there on.</summary>
    private static List<(string Controller, string Path)> Memberships(int pid)
    {
        var roots = new List<(string, string)>();
        foreach (string line in (Files.TryReadText($"/proc/{pid}/cgroup", out _) ?? "").Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] fields = line.Split(':', 3);
            roots.Add((fields[1], fields[2]));
        }

        return roots;
    }

    private void Hear(CriuNotice notice, Job job, UndoList undo)
    {
        switch (notice.Script)
        {
            case "setup-namespaces":
                ContainerRecord now = job.Record with { Pid = notice.Pid };
                Hooks.Run("prestart", job.Bundle.Spec.Hooks.Prestart, now, OciStatus.Created);
                Hooks.Run("createRuntime", job.Bundle.Spec.Hooks.CreateRuntime, now, OciStatus.Creating);
                break;
            case "post-restore":
                // It is written down before it goes on.
                undo.Add("process", () => End(notice.Pid));
                job.Record = job.Record with { Pid = notice.Pid, PidStart = Processes.StartTime(notice.Pid) ?? 0, Joins = job.Record.Joins | OwnTime(notice.Pid) };
                AtomicFile.Write(job.Directory + OciContainer.RecordFile, job.Record.ToBytes());
                break;
            case "orphan-pts-master" when notice.Descriptor is { } master:
                TakeTerminal(master, job.Create.ConsoleSocket);
                break;
        }
    }

    /// <summary>criu lets the clocks of what it brings back go on where they stood, by a time namespace that config.json may not name: further processes join it, too.</summary>
    private static CloneFlags OwnTime(int pid)
        => Files.TryStatus($"/proc/{pid}/ns/time", out _, follow: true) is { } its && Files.TryStatus("/proc/self/ns/time", out _, follow: true) is { } own && its.Inode != own.Inode
            ? CloneFlags.NewTime : CloneFlags.None;

    private void TakeTerminal(Fd master, string? socket)
    {
        if (socket is null)
        {
            Terminal = Descriptors.Duplicate(master);
        }
        else
        {
            ConsoleSocket.Send(socket, master, "/dev/ptmx"u8);
        }
    }

    private static void End(int pid)
    {
        Processes.TryKill(pid, Signals.Kill, out _);
        Processes.TryReap(pid, wait: true, out _);
    }
}
