using Xunit;

namespace Timur.SystemTests.Engines;

/// <summary>
/// Engines that have systemd make their containers' cgroups, on cgroup v2 alone. systemd is process 1 of namespaces of its own in the virtual machine (Guest/begin.sh)
/// and runs the engines as services, with what the README says. Each is driven with runc, the control, and with this runtime.
/// </summary>
public abstract class SystemdEngineTests(VirtualMachine machine)
{
    private const string Units = "MemoryMax=33554432";

    [Theory]
    [InlineData("podman", "/sys/fs/cgroup/machine.slice/libpod-ID.scope", Units, "TimeoutStopUSec=7s", "MemoryHigh=20000000", "memory.max 67108864", "null", "stopped: 137 exited", "/sys/fs/cgroup/mine", "0::/machine.slice/machine-libpod_pod_ID.slice/libpod-ID.scope")]
    [InlineData("docker", "/sys/fs/cgroup/user.slice/user-9.slice/docker-ID.scope", Units, "TasksMax=50", "CPUQuotaPerSecUSec=250ms", "pids.max max", "null", "\"RestartCount\":1", "\"OOMKilled\":true", "\"Action\":\"oom\"")]
    [InlineData("containerd", "/sys/fs/cgroup/user.slice/user-9.slice/ctr-c1.scope", Units, "CPUQuotaPerSecUSec=500ms", "0::/user.slice/user-9.slice/ctr-c1.scope", "STOPPED", "code 137", "exec: \"/nope\"", "/tasks/delete")]
    public void An_engine_under_systemd_cannot_tell_this_runtime_from_runc(string engine, params string[] expected)
    {
        using var system = new GuestSystem(machine);
        string control = Drive("runc");
        foreach (string words in expected)
        {
            Assert.Contains(words, control, StringComparison.Ordinal);
        }

        // What an engine says of a container that ends at once may come late, with runc, too: then both are asked again.
        string ours = Drive("timur");
        if (ours != control)
        {
            (control, ours) = (Drive("runc"), Drive("timur"));
        }

        Assert.Equal(control, ours);

        string Drive(string runtime) => system.Drive($"runtime={runtime}\n{GuestSystem.Script(engine)}");
    }
}
