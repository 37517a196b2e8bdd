using System.Text.Json.Nodes;
using Xunit;

namespace Timur.SystemTests.Engines;

/// <summary>systemd as process 1 of namespaces of its own in the virtual machine, with the engines on its disk and what the README says in their files (Guest/begin.sh).</summary>
internal sealed class GuestSystem : IDisposable
{
    private readonly VirtualMachine _machine;

    internal GuestSystem(VirtualMachine machine)
    {
        _machine = machine;
        string timur = Lines("containerd.runtimes.timur]") + "\n" + Lines("SystemdCgroup");
        string runc = timur.Replace("runtimes.timur", "runtimes.runc", StringComparison.Ordinal).Replace("/usr/bin/timur-runc", "/usr/sbin/runc", StringComparison.Ordinal);
        Outcome outcome = machine.Shell($"""
            containerd='{timur}
            {runc}'
            docker='{Merged(Lines("\"runtimes\""), "{" + Lines("native.cgroupdriver") + "}")}'
            podman='{Lines("[engine]")}
            {Lines("cgroup_manager")}'
            {Script("begin")}
            """);
        Assert.True(outcome.Code == 0, outcome.ToString());
    }

    internal static string Script(string name) => File.ReadAllText(EngineSpace.Script($"Guest/{name}.sh"));

    /// <summary>Runs a script among systemd's processes and mounts, with what Guest/common.sh defines; two and a half minutes at most.</summary>
    internal Outcome Shell(string script) => _machine.Shell($"""
        cat >/run/drive <<'END OF SCRIPT'
        {Script("common")}
        {script}
        END OF SCRIPT
        {Script("enter")}
        """);

    /// <summary>As <see cref="Shell"/>, for as long as an engine may need on a busy machine: the script runs beside the machine's agent. What it said.</summary>
    internal string Drive(string script)
    {
        Outcome started = _machine.Shell($"""
            cat >/run/drive <<'END OF SCRIPT'
            {Script("common")}
            {script}
            END OF SCRIPT
            {Script("drive")}
            """);
        Assert.True(started.Code == 0, started.ToString());
        for (int minute = 0; minute < 10; minute++)
        {
            Outcome outcome = _machine.Shell("for second in $(seq 60); do [ ! -e /run/driven ] || exit 0; sleep 1; done; exit 1");
            if (outcome.Code == 0)
            {
                return _machine.Shell("cat /run/said").Out;
            }
        }

        throw new InvalidOperationException($"a script in the virtual machine doesn't end: {script}\n{_machine.Shell("cat /run/said; dmesg | tail -20")}");
    }

    public void Dispose() => _machine.Shell(Script("end"));

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
