using Timur.Cgroups;
using Timur.Kernel;
using Timur.Kernel.Launcher;
using Timur.Oci;
using Timur.Systemd;

namespace Timur.Runtime.Containers;

/// <summary>A container's cgroup as a unit of systemd's, by <c>cgroupsPath</c> in the form <c>SLICE:PREFIX:NAME</c>.</summary>
/// <param name="Slice">The unit that it is below.</param>
/// <param name="Unit">A scope, or a slice when the name says so.</param>
internal sealed record SystemdScope(string Slice, string Unit)
{
    private const string SliceEnd = ".slice";
    private const string DefaultSlice = "system.slice";

    /// <summary>As a directory from the top of each hierarchy: each dash of a slice's name is a level (systemd.slice(5)).</summary>
    internal string CgroupPath
    {
        get
        {
            string path = "";
            string name = Slice[..^SliceEnd.Length];
            for (int dash = name.IndexOf('-'); name.Length > 0 && name != "-"; dash = name.IndexOf('-', dash + 1))
            {
                path += "/" + (dash < 0 ? name : name[..dash]) + SliceEnd;
                if (dash < 0)
                {
                    break;
                }
            }

            return $"{path}/{Unit}";
        }
    }

    private bool IsSlice => Unit.EndsWith(SliceEnd, StringComparison.Ordinal);

    /// <param name="cgroupsPath">Null or empty: a scope of the container's name.</param>
    internal static SystemdScope Parse(string? cgroupsPath, string id)
    {
        if (cgroupsPath is null or "")
        {
            return new SystemdScope(DefaultSlice, $"runc-{id}.scope");
        }

        if (cgroupsPath.Split(':') is not [var slice, var prefix, { Length: > 0 } name])
        {
            throw new Failure($"config.json: linux.cgroupsPath: expected cgroupsPath to be of format \"slice:prefix:name\" for systemd cgroups, got \"{cgroupsPath}\" instead", "or leave --systemd-cgroup out", 1);
        }

        slice = slice.Length > 0 ? slice : DefaultSlice;
        string bare = slice.EndsWith(SliceEnd, StringComparison.Ordinal) ? slice[..^SliceEnd.Length] : "/";
        if (bare.Contains('/') || bare.StartsWith('-') && bare != "-" || bare.EndsWith('-') && bare != "-" || bare.Contains("--", StringComparison.Ordinal))
        {
            throw new Failure($"config.json: linux.cgroupsPath: invalid slice name {slice}", "such as system.slice or user-1000.slice", 1);
        }

        return new SystemdScope(slice, name.EndsWith(SliceEnd, StringComparison.Ordinal) ? name : prefix.Length > 0 ? $"{prefix}-{name}.scope" : $"{name}.scope");
    }

    /// <summary>Starts the unit. A scope needs a process: one that does nothing stands in until the container's own are there and it is disposed.</summary>
    internal IDisposable? Start(string id, LinuxResources resources, IReadOnlyDictionary<string, string> annotations)
    {
        StandIn? standIn = IsSlice ? null : StandIn.Start();
        try
        {
            using var systemd = SystemdManager.Open();
            var properties = new List<UnitProperty> { UnitProperty.Of("Description", "container " + id) };
            if (standIn is null)
            {
                properties.Add(UnitProperty.Of("Wants", [Slice]));
            }
            else
            {
                properties.AddRange([UnitProperty.Of("Slice", Slice), UnitProperty.Of("Delegate", true), UnitProperty.Processes(standIn.Pid)]);
            }

            properties.AddRange(SystemdProperties.Of(resources, CgroupLayout.Detect().Mode == "v2", () => systemd.Version));
            properties.AddRange(SystemdProperties.Accounting(CgroupLayout.Detect().Mode == "v2"));
            properties.Add(UnitProperty.Of("DefaultDependencies", false));
            properties.AddRange(SystemdAnnotations.Of(annotations));
            systemd.Start(Unit, properties);
            return standIn;
        }
        catch
        {
            standIn?.Dispose();
            throw;
        }
    }

    internal static void Stop(string unit)
    {
        using var systemd = SystemdManager.Open();
        systemd.Stop(unit);
    }

    internal static void Update(string unit, LinuxResources resources)
    {
        using var systemd = SystemdManager.Open();
        List<UnitProperty> properties = SystemdProperties.Of(resources, CgroupLayout.Detect().Mode == "v2", () => systemd.Version);
        if (properties.Count > 0)
        {
            systemd.Set(unit, properties);
        }
    }

    /// <summary>A process that waits, and nothing else.</summary>
    private sealed class StandIn(Launched process, Fd gate) : IDisposable
    {
        internal int Pid => process.Pid;

        internal static StandIn Start()
        {
            var program = new LaunchProgram();
            program.ResetSignals();
            program.NewSession();
            program.CloseDescriptors(0, gate: true);
            program.WaitAtGate();
            program.End();
            (Fd read, Fd write) = Sockets.Pipe();
            using (read)
            {
                using var loaded = new LoadedProgram(program.ToBytes());
                return new StandIn(Launching.Start(new LaunchRequest(loaded) { Slots = [(Slot.StartGate, read)] }), write);
            }
        }

        public void Dispose()
        {
            gate.Dispose();
            Processes.TryKill(process.Process, Signals.Kill, out _);
            Processes.TryReap(process.Pid, wait: true, out _);
            process.Dispose();
        }
    }
}
