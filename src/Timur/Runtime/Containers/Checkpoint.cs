using System.Text.Json;
using Timur.Cgroups;
using Timur.Kernel;
using Timur.Oci;
using Timur.Runtime.Criu;
using Timur.State;

namespace Timur.Runtime.Containers;

/// <summary>Writes a running container to the disk by criu (criu(8)), in the form that runc reads, too.</summary>
public sealed class Checkpoint(RuntimeLog log)
{
    internal const string Descriptors = "/descriptors.json";

    private const string LogName = "dump.log";
    private const uint NewNetwork = 0x40000000;

    public void Write(OciContainer container, CheckpointOptions options)
    {
        using (FileLock guard = container.Lock())
        {
            OciStatus status = container.Status;
            if (status is OciStatus.Created or OciStatus.Stopped)
            {
                throw new Failure($"Container cannot be checkpointed in {status.Name()} state", exitCode: 1);
            }

            IReadOnlyList<string> environment = OwnEnvironment.All();
            int version = CriuVersion.Of(options.Program, environment);
            CriuVersion.Require(version, CriuVersion.Least, "");
            RequireFeatures(options, environment);
            Dump(container, container.ReadSpec(), options, environment, version, guard);
        }

        if (!options.LeaveRunning && !options.PreDump)
        {
            // Who stayed with the container sees its end, too.
            new Deletion(log).DeleteIfThere(container);
        }
    }

    private static void RequireFeatures(CheckpointOptions options, IReadOnlyList<string> environment)
    {
        if (!options.PreDump && !options.LazyPages)
        {
            return;
        }

        using var session = CriuSession.Start(options.Program, environment, []);
        ProtobufReader features = session.Ask(CriuCommand.FeatureCheck, features: new ProtobufWriter().Flag(1, options.PreDump).Flag(2, options.LazyPages)).Message(8)
            ?? new ProtobufReader([]);
        List<string> missing = [];
        if (options.PreDump && !features.Flag(1))
        {
            missing.Add("MemTrack");
        }

        if (options.LazyPages && !features.Flag(2))
        {
            missing.Add("LazyPages");
        }

        if (missing.Count > 0)
        {
            throw new Failure($"criu is missing features: {string.Join(' ', missing)}", "this kernel may lack what they need (soft-dirty pages, userfaultfd): criu check --all tells", 1);
        }
    }

    /// <param name="guard">Let go when all but pages is written: they may never be fetched, and the container has to be removable meanwhile.</param>
    private void Dump(OciContainer container, Spec spec, CheckpointOptions options, IReadOnlyList<string> environment, int version, FileLock guard)
    {
        Directories.Create(options.ImagePath, 0x1C0);
        string work = options.WorkPath ?? options.ImagePath;
        Directories.Create(work, 0x1C0);
        using Fd images = Files.Open(options.ImagePath, Open.Read | Open.Directory);
        using Fd logs = Files.Open(work, Open.Read | Open.Directory);
        int pid = container.Record.Pid;
        Cgroup cgroup = container.Cgroup;
        var request = new CriuOptions
        {
            ImageDirectory = images.Raw,
            WorkDirectory = logs.Raw,
            Pid = pid,
            Root = container.Record.Rootfs,
            LogFile = LogName,
            LeaveRunning = options.LeaveRunning,
            ExternalUnixSockets = options.ExternalUnixSockets,
            TcpEstablished = options.TcpEstablished,
            TcpSkipInFlight = options.TcpSkipInFlight,
            ShellJob = options.ShellJob,
            FileLocks = options.FileLocks,
            LinkRemap = options.LinkRemap,
            AutoDedup = options.AutoDedup,
            LazyPages = options.LazyPages,
            ParentImage = options.ParentPath,
            PageServer = options.PageServer,
            Cgroups = options.Cgroups,
            EmptyNamespaces = options.EmptyNetwork ? NewNetwork : 0,
            FreezeCgroup = cgroup.Find("freezer") is { } freezer && (freezer.Version == 1 || version >= CriuVersion.OfFrozenCgroups2) ? freezer.Path : null,
            External = CriuNamespaces.Left(spec, version),
            ExternalMounts = options.PreDump ? [] : CriuMounts.Named(spec, cgroup, pid, container.Record.Rootfs),
            ConfigFile = CriuConfiguration.Of(spec),
        };
        if (!options.PreDump)
        {
            WriteDescriptors(options.ImagePath + Descriptors, pid);
        }

        try
        {
            using var session = CriuSession.Start(options.Program, environment, []);
            session.Ask(options.PreDump ? CriuCommand.PreDump : CriuCommand.Dump, request, onNotice: notice => Hear(notice, options.StatusDescriptor, guard));
        }
        catch (Failure)
        {
            CriuLog.Quote(log, $"{work}/{LogName}");
            throw;
        }
    }

    /// <summary>Pages can be fetched from now on: whoever waits for it hears so.</summary>
    private static void Hear(CriuNotice notice, int? descriptor, FileLock guard)
    {
        if (notice.Script != "status-ready")
        {
            return;
        }

        guard.Dispose();
        if (descriptor is { } number && !Files.TryWrite(new Fd(number), [0], out Errno why))
        {
            throw new Failure($"--status-fd {number}: {why.Describe()}", exitCode: 1);
        }
    }

    /// <summary>What the first process's standard streams are: pipes of the caller's are asked for by these names when it comes back.</summary>
    private static void WriteDescriptors(string file, int pid)
    {
        using var stream = new MemoryStream(256);
        using (var json = new Utf8JsonWriter(stream, PlainJsonEncoder.Options))
        {
            json.WriteStartArray();
            for (int number = 0; number < 3; number++)
            {
                json.WriteStringValue(Files.TryReadLink($"/proc/{pid}/fd/{number}", out _) ?? "");
            }

            json.WriteEndArray();
        }

        Files.WriteAll(file, stream.ToArray(), 0x180);
    }
}
