using Timur.Cgroups;
using Timur.Kernel;
using Timur.Oci;
using Timur.State;

namespace Timur.Runtime.Containers;

/// <summary>Where a container is in its life (runtime-spec runtime.md, State; <c>paused</c> is every runtime's addition).</summary>
public enum OciStatus
{
    Creating, Created, Running, Paused, Stopped,
}

/// <summary>A container in a directory of its own: <c>state.json</c>, <c>config.json</c>, <c>filter</c>, and <c>exec.fifo</c> until it is started.</summary>
public sealed class OciContainer
{
    internal const string RecordFile = "/state.json";

    internal OciContainer(string directory, ContainerRecord record) => (Directory, Record) = (directory, record);

    public string Directory { get; }

    public ContainerRecord Record { get; }

    public string Id => Record.Id;

    /// <summary>The FIFO at which the first process waits for its start.</summary>
    internal string Gate => Directory + "/exec.fifo";

    internal string FilterFile => Directory + "/filter";

    /// <summary>The configuration it was created with, whatever happened to the bundle since.</summary>
    public Spec ReadSpec() => SpecJson.Read(Files.ReadAll(Directory + "/config.json"), "config.json");

    /// <summary>The process of that configuration.</summary>
    public ProcessSpec ReadProcess() => SpecJson.ReadProcessOf(Files.ReadAll(Directory + "/config.json"), "config.json") ?? new ProcessSpec();

    /// <summary>Asked of the kernel each time: nobody of ours stays with a container to keep it.</summary>
    public OciStatus Status
    {
        get
        {
            if (!IsAlive)
            {
                return OciStatus.Stopped;
            }

            return Record.IsBeingMade ? OciStatus.Creating : Files.Exists(Gate) ? OciStatus.Created : Cgroup.IsFrozen ? OciStatus.Paused : OciStatus.Running;
        }
    }

    /// <summary>The first process exists and hasn't ended; a zombie has.</summary>
    public bool IsAlive => Record.Pid > 0 && Processes.StartTime(Record.Pid) == Record.PidStart;

    public Cgroup Cgroup => field ??= OpenCgroup();

    /// <summary>False where it stays in its creator's (<see cref="CgroupManager.Disabled"/>).</summary>
    public bool HasCgroup => Record.CgroupPath.Length > 0;

    /// <summary>Its processes; without a cgroup only the first is known, and those in its process namespace end with it.</summary>
    public IReadOnlyList<int> Pids() => HasCgroup ? Cgroup.Pids() : IsAlive ? [Record.Pid] : [];

    private Cgroup OpenCgroup()
    {
        if (!HasCgroup)
        {
            return Cgroup.None;
        }

        var cgroup = Cgroup.Open(CgroupLayout.Detect(), Record.CgroupPath);
        cgroup.IsTracked = Record.SystemdUnit is not null;
        return cgroup;
    }

    /// <summary>One command at a time changes a container; a failure when it was deleted meanwhile.</summary>
    internal FileLock Lock() => FileLock.TryTakeDirectory(Directory, wait: true) ?? throw new Failure("container does not exist", exitCode: 1);
}
