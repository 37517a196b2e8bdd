using System.Text.Json.Nodes;
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
        Begin();
        try
        {
            string control = Drive(engine, "runc");
            foreach (string words in expected)
            {
                Assert.Contains(words, control, StringComparison.Ordinal);
            }

            // What an engine says of a container that ends at once may come late, with runc, too: then both are asked again.
            string ours = Drive(engine, "timur");
            if (ours != control)
            {
                (control, ours) = (Drive(engine, "runc"), Drive(engine, "timur"));
            }

            Assert.Equal(control, ours);
        }
        finally
        {
            machine.Shell(Script("end"));
        }
    }

    private static string Script(string name) => File.ReadAllText(EngineSpace.Script($"Guest/{name}.sh"));

    private void Begin()
    {
        Outcome outcome = machine.Shell($"""
            containerd='{Lines("containerd.runtimes.timur]")}
            {Lines("SystemdCgroup")}'
            docker='{Merged(Lines("\"runtimes\""), "{" + Lines("native.cgroupdriver") + "}")}'
            podman='{Lines("[engine]")}
            {Lines("cgroup_manager")}'
            {Script("begin")}
            """);
        Assert.True(outcome.Code == 0, outcome.ToString());
    }

    /// <summary>What the script says. It runs beside the machine's agent, which waits for nobody as long as an engine may need on a busy machine.</summary>
    private string Drive(string engine, string runtime)
    {
        Outcome started = machine.Shell($"""
            cat >/run/drive <<'END OF SCRIPT'
            runtime={runtime}
            {Script("common")}
            {Script(engine)}
            END OF SCRIPT
            {Script("drive")}
            """);
        Assert.True(started.Code == 0, started.ToString());
        for (int minute = 0; minute < 10; minute++)
        {
            Outcome outcome = machine.Shell("for second in $(seq 60); do [ ! -e /run/driven ] || exit 0; sleep 1; done; exit 1");
            if (outcome.Code == 0)
            {
                return machine.Shell("cat /run/said").Out;
            }
        }

        throw new InvalidOperationException($"{engine} with {runtime} doesn't end: {machine.Shell("cat /run/said; dmesg | tail -20")}");
    }

    /// <summary>The README's lines, for a runtime that is elsewhere.</summary>
    private static string Lines(string text) => Readme.Block(text).Replace("/usr/local/bin/timur-runc", "/usr/bin/timur-runc", StringComparison.Ordinal);

    private static string Merged(string one, string other)
    {
        JsonObject all = JsonNode.Parse(one)!.AsObject();
        foreach ((string name, JsonNode? value) in JsonNode.Parse(other)!.AsObject())
        {
            all[name] = value!.DeepClone();
        }

        return all.ToJsonString();
    }
}
