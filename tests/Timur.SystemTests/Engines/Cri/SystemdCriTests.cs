using System.Text;
using Grpc.Core;
using Xunit;

namespace Timur.SystemTests.Engines.Cri;

/// <summary>
/// Pods as a kubelet with <c>cgroupDriver: systemd</c> has them made, on cgroup v2 alone: containerd with <c>SystemdCgroup = true</c>, a slice of the kubelet's for each pod, a scope for each
/// container. Everything is done with runc, the control, and with this runtime, and units, cgroups and containerd must say the same.
/// </summary>
public abstract class SystemdCriTests(VirtualMachine machine)
{
    [Fact]
    public void A_pod_under_systemd_cannot_tell_this_runtime_from_runc()
    {
        using var node = new GuestNode(machine);
        string control = Life(node, "runc");
        Assert.All(
            ["Slice=kubepods-burstable-POD.slice", "MemoryMax=67108864", "CPUQuotaPerSecUSec=500ms", "AllowedCPUs=0", "/sys/fs/cgroup/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-POD.slice/cri-containerd-ID.scope", "0::/\n",
                "memory.max 100663296", "CPUQuotaPerSecUSec=200ms", "pids.max 99", "null", "137 OOMKilled", "7 Error", "137 Error", "exec: \"/nope\"", "memory.max 134217728", "survives", "at the end:"],
            words => Assert.Contains(words, control, StringComparison.Ordinal));
        string ours = Life(node, "timur");
        Assert.Equal(Alike(control), Alike(ours));
        Assert.Contains("MemorySwapMax=0", ours, StringComparison.Ordinal);
    }

    private static string Life(GuestNode node, string runtime)
    {
        string slice = "", place = "";
        var said = new StringBuilder();
        using (var pod = new Pod(node, runtime, config =>
        {
            Pod.OnHostNetwork(config);
            slice = $"kubepods-burstable-{config.Metadata.Name}.slice";
            place = $"/sys/fs/cgroup/kubepods.slice/kubepods-burstable.slice/{slice}";
            config.Linux.CgroupParent = place["/sys/fs/cgroup".Length..];

            // A kubelet makes the slice, with the sum of its containers' limits.
            node.Say($"systemctl set-property --runtime {slice} MemoryMax=128M TasksMax=99; systemctl start {slice}");
        }))
        {
            void Say(string id, string script) => said.Append(node.Say($"id={id}; scope=cri-containerd-$id.scope; place={place}/$scope; {script}").Replace(pod.Name, "POD", StringComparison.Ordinal).Replace(pod.Id, "SANDBOX", StringComparison.Ordinal));
            void Left(string id) => said.AppendJoin('\n', node.Say($"id={id}; left").Replace(pod.Name, "POD", StringComparison.Ordinal).Replace(pod.Id, "SANDBOX", StringComparison.Ordinal).Split('\n').Order(StringComparer.Ordinal)).AppendLine();
            void Add(string words) => said.AppendLine(words);

            Say(pod.Id, "at_start $scope; limits $scope; files $place");
            string id = pod.Start("one", "trap 'exit 7' TERM; while :; do sleep 0.1; done", config => config.Linux.Resources = new LinuxContainerResources
            {
                CpuPeriod = 100_000, CpuQuota = 50_000, CpuShares = 512, CpusetCpus = "0", MemoryLimitInBytes = 64 << 20, OomScoreAdj = 500,
            });
            Left(id);
            Say(id, $"at_start $scope; limits $scope; files $place; unit Slice,MemoryMax,TasksMax {slice}; files {place}");
            Add(pod.Exec(id, "cat /proc/self/cgroup; grep cgroup /proc/mounts; cat /proc/1/oom_score_adj; echo error >&2; exit 3").ToString().Replace(id, "ID", StringComparison.Ordinal).Replace(pod.Name, "POD", StringComparison.Ordinal));
            ContainerStats stats = node.Client.ContainerStats(new ContainerRequest { ContainerId = id }).Stats;
            Add($"used: {stats.Cpu.UsageCoreNanoSeconds.Value > 0} {stats.Memory.WorkingSetBytes.Value > 0}");
            node.Client.UpdateContainerResources(new UpdateContainerResourcesRequest
            {
                ContainerId = id, Linux = new LinuxContainerResources { CpuPeriod = 100_000, CpuQuota = 20_000, CpuShares = 256, CpusetCpus = "0-1", MemoryLimitInBytes = 96 << 20 },
            });
            Say(id, "limits $scope; files $place; rewrite $scope; files $place");
            Add(pod.Exec(id, "echo >/dev/null && echo null; cat /dev/vda").ToString());
            node.Restart();
            Add(pod.Exec(id, "echo survives").ToString());
            Add(Ended(pod.Stop(id, seconds: 100)));
            string killed = pod.Start("killed", "exec sleep 1000");
            Say(killed, "systemctl kill -s KILL $scope");
            Add(Ended(pod.AwaitEnd(killed)));
            Add(Ended(OutOfMemory(pod)));
            string missing = pod.Create("missing", "", config => config.Command[0] = "/nope");
            string refusal = Assert.Throws<RpcException>(() => node.Client.StartContainer(new ContainerRequest { ContainerId = missing })).Status.Detail;
            Add(refusal[refusal.IndexOf("exec:", StringComparison.Ordinal)..]);
            Left(pod.Id);
            Say(pod.Id, $"unit MemoryMax,TasksMax {slice}; files {place}");
        }

        said.AppendLine("at the end:");
        return said + node.Say($"left; systemctl stop {slice}");
    }

    /// <summary>A container that is killed at once may be gone before containerd hears why, with runc, too: then there is another.</summary>
    private static ContainerStatus OutOfMemory(Pod pod)
    {
        const int rounds = 10;
        for (int round = 1; ; round++)
        {
            string id = pod.Start("greedy", "sleep 1; exec dd if=/dev/zero of=/dev/null bs=60M count=1", config => config.Linux.Resources.MemoryLimitInBytes = 24 << 20);
            ContainerStatus status = pod.AwaitEnd(id);
            if (status.Reason == "OOMKilled" || round == rounds)
            {
                return status;
            }

            pod.Remove(id);
        }
    }

    /// <summary>Without what docs/engines.md lists as different on purpose: the console, and swap, which systemd gives back with runc.</summary>
    private static string Alike(string said) => string.Join('\n', said.Split('\n').Where(line => line != "DeviceAllow=/dev/char/5:1 rwm" && !line.StartsWith("MemorySwapMax=", StringComparison.Ordinal) && !line.StartsWith("memory.swap.max ", StringComparison.Ordinal)));

    private static string Ended(ContainerStatus status) => $"{status.ExitCode} {status.Reason}";
}
