using Grpc.Core;
using Xunit;

namespace Timur.SystemTests.Engines.Cri;

/// <summary>What a kubelet asks of containerd, by the runtime that the pod names. runc is the control: each test passes with it, too.</summary>
[Collection(nameof(CriEngine))]
public sealed class CriTests(CriEngine engine)
{
    public static TheoryData<string> Runtimes => CriEngine.Runtimes;

    [Fact]
    public void It_says_that_it_is_ready()
    {
        Assert.Equal(("containerd", "v1"), engine.Client.Version(new VersionRequest()) is var version ? (version.RuntimeName, version.RuntimeApiVersion) : default);
        RuntimeStatus status = engine.Client.Status(new StatusRequest()).Status;
        Assert.All(["RuntimeReady", "NetworkReady"], name => Assert.True(status.Conditions.Single(condition => condition.Type == name).Status, status.ToString()));
    }

    [Theory]
    [MemberData(nameof(Runtimes))]
    public void A_container_is_created_started_stopped_and_removed(string runtime)
    {
        using var pod = new Pod(engine, runtime, Pod.OnHostNetwork);
        Assert.Equal((PodSandboxState.SandboxReady, runtime), (pod.Status.State, pod.Status.RuntimeHandler));
        string id = pod.Create("one", "trap 'echo asked; exit 7' TERM; echo out; echo error >&2; while :; do sleep 0.1; done");
        Assert.Equal(ContainerState.ContainerCreated, pod.StatusOf(id).State);
        engine.Client.StartContainer(new ContainerRequest { ContainerId = id });
        Assert.Equal(ContainerState.ContainerRunning, pod.StatusOf(id).State);
        Assert.True(SpinWait.SpinUntil(() => pod.LogLines("one").Length == 2, 60_000), "no log");
        Assert.Equal(7, pod.Stop(id, seconds: 100).ExitCode);
        Assert.Equal(["stderr F error", "stdout F asked", "stdout F out"], pod.LogLines("one").Order(StringComparer.Ordinal));
        pod.Remove(id);
        Assert.Equal(StatusCode.NotFound, Assert.Throws<RpcException>(() => pod.StatusOf(id)).StatusCode);
        pod.StopAll();
        Assert.Equal(PodSandboxState.SandboxNotready, pod.Status.State);
    }

    [Theory]
    [MemberData(nameof(Runtimes))]
    public void Who_does_not_end_in_time_is_killed_and_who_cannot_start_says_why(string runtime)
    {
        using var pod = new Pod(engine, runtime, Pod.OnHostNetwork);
        Assert.Equal(137, pod.Stop(pod.Start("deaf", "trap '' TERM; while :; do sleep 0.1; done"), seconds: 1).ExitCode);
        Assert.Equal(5, pod.AwaitEnd(pod.Start("quick", "exit 5")).ExitCode);
        string missing = pod.Create("missing", "", config => config.Command[0] = "/nope");
        RpcException refusal = Assert.Throws<RpcException>(() => engine.Client.StartContainer(new ContainerRequest { ContainerId = missing }));
        Assert.Contains("exec: \"/nope\": stat /nope: no such file or directory", refusal.Status.Detail, StringComparison.Ordinal);
        Assert.Equal((128, "StartError"), pod.StatusOf(missing) is var status ? (status.ExitCode, status.Reason) : default);
        pod.Remove(missing);
    }

    [Theory]
    [MemberData(nameof(Runtimes))]
    public void Commands_are_executed_with_their_streams_and_codes_and_end_at_their_timeout(string runtime)
    {
        using var pod = new Pod(engine, runtime, Pod.OnHostNetwork);
        string id = pod.Start("one", "sleep 1000", config =>
        {
            config.Envs.Add(new KeyValue { Key = "A", Value = "b" });
            config.WorkingDir = "/etc";
        });
        Assert.Equal(new Outcome(3, "b /etc\n", "error\n"), pod.Exec(id, "echo $A $PWD; echo error >&2; exit 3"));
        Assert.Equal(200_000, pod.Exec(id, "head -c 200000 /dev/zero | tr '\\0' x").Out.Length);
        Assert.Equal(StatusCode.DeadlineExceeded, Assert.Throws<RpcException>(() => pod.Exec(id, "exec sleep 500", timeout: 1)).StatusCode);
        Assert.True(SpinWait.SpinUntil(() => pod.Exec(id, "ps | grep -c '[s]leep 500'").Out == "0\n", 60_000), "it goes on after its timeout");
        RpcException refusal = Assert.Throws<RpcException>(() => engine.Client.ExecSync(new ExecSyncRequest { ContainerId = id, Cmd = { "/nope" } }));
        Assert.Contains("exec: \"/nope\": stat /nope: no such file or directory", refusal.Status.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Runtimes))]
    public void Limits_are_set_changed_and_what_is_used_is_told(string runtime)
    {
        using var pod = new Pod(engine, runtime, Pod.OnHostNetwork);
        string id = pod.Start("one", "sleep 1000", config => config.Linux.Resources = new LinuxContainerResources
        {
            CpuPeriod = 100_000, CpuQuota = 50_000, CpuShares = 512, MemoryLimitInBytes = 64 << 20, OomScoreAdj = 500,
        });
        string cgroup = $"/kubepods/{pod.Name}/{id}";
        Assert.Equal(["67108864", "50000", "512"], Limits(cgroup));
        Assert.Equal("500\n", pod.Exec(id, "cat /proc/1/oom_score_adj").Out);
        engine.Client.UpdateContainerResources(new UpdateContainerResourcesRequest
        {
            ContainerId = id, Linux = new LinuxContainerResources { CpuPeriod = 100_000, CpuQuota = 20_000, CpuShares = 256, MemoryLimitInBytes = 96 << 20 },
        });
        Assert.Equal(["100663296", "20000", "256"], Limits(cgroup));
        ContainerStats stats = engine.Client.ContainerStats(new ContainerRequest { ContainerId = id }).Stats;
        Assert.True(stats.Cpu.UsageCoreNanoSeconds.Value > 0 && stats.Memory.WorkingSetBytes.Value > 0, stats.ToString());

        // Whoever is killed at once may be gone before containerd hears why: here it is one process of several, again and again.
        string greedy = pod.Start("greedy", "while :; do dd if=/dev/zero of=/dev/null bs=60M count=1; sleep 0.2; done", config => config.Linux.Resources.MemoryLimitInBytes = 24 << 20);
        Assert.True(SpinWait.SpinUntil(() => pod.StatusOf(greedy).Reason == "OOMKilled", 60_000), pod.StatusOf(greedy).ToString());
    }

    [Theory]
    [MemberData(nameof(Runtimes))]
    public void Pods_have_addresses_by_CNI_and_their_containers_share_them(string runtime)
    {
        using var one = new Pod(engine, runtime, config =>
        {
            config.DnsConfig = new DNSConfig { Servers = { "192.0.2.53" }, Searches = { "cluster.local" } };
            config.Linux.Sysctls.Add("net.ipv4.ip_unprivileged_port_start", "80");
            config.Linux.Sysctls.Add("kernel.shm_rmid_forced", "1");
        });
        using var two = new Pod(engine, runtime);
        Assert.Matches("^10\\.88\\.0\\.[0-9]+$", one.Status.Network.Ip);
        string server = one.Start("server", "echo from one >/tmp/index.html; exec httpd -f -p 8080 -h /tmp");
        string beside = one.Start("beside", "sleep 1000");
        string far = two.Start("far", "sleep 1000");
        string Fetch(Pod pod, string id, string address) => pod.Exec(id, $"for i in $(seq 100); do wget -q -O - http://{address}:8080/ && exit; sleep 0.2; done").Out;
        Assert.Equal("from one\n", Fetch(one, beside, "127.0.0.1"));
        Assert.Equal("from one\n", Fetch(two, far, one.Status.Network.Ip));
        Assert.Equal($"{one.Name}\n", one.Exec(beside, "hostname").Out);
        Assert.Equal("search cluster.local\nnameserver 192.0.2.53\n", one.Exec(beside, "cat /etc/resolv.conf").Out);
        Assert.Equal("80\n1\n", one.Exec(beside, "cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/kernel/shm_rmid_forced").Out);
        string Namespaces(Pod pod, string id) => pod.Exec(id, "for kind in net ipc uts; do readlink /proc/self/ns/$kind; done").Out;
        Assert.Equal(Namespaces(one, server), Namespaces(one, beside));
        Assert.NotEqual(Namespaces(one, server), Namespaces(two, far));
    }

    [Theory]
    [MemberData(nameof(Runtimes))]
    public void A_pod_may_share_its_processes_or_the_nodes(string runtime)
    {
        using var pod = new Pod(engine, runtime, config =>
        {
            Pod.OnHostNetwork(config);
            config.Linux.SecurityContext.NamespaceOptions.Pid = NamespaceMode.Pod;
        });
        string first = pod.Start("first", "exec sleep 1001");
        string second = pod.Start("second", "exec sleep 1002");
        Assert.Equal("sleep\n3\n", pod.Exec(second, "cat /proc/1/comm; ps | grep -c '[s]leep 100'").Out);
        string debugging = pod.Start("debugging", "exec sleep 1003", config =>
        {
            config.Linux.SecurityContext.NamespaceOptions.Pid = NamespaceMode.Target;
            config.Linux.SecurityContext.NamespaceOptions.TargetId = first;
        });
        Assert.Equal(pod.Exec(first, "readlink /proc/self/ns/pid").Out, pod.Exec(debugging, "readlink /proc/self/ns/pid").Out);
        using var onNode = new Pod(engine, runtime, config =>
        {
            Pod.OnHostNetwork(config);
            config.Linux.SecurityContext.NamespaceOptions.Pid = NamespaceMode.Node;
        });
        Assert.Equal("yes\n", onNode.Exec(onNode.Start("one", "exec sleep 1004"), "ps | grep -q '[c]ontainerd -c' && echo yes").Out);
    }

    [Theory]
    [MemberData(nameof(Runtimes))]
    public void Containers_survive_containerd(string runtime)
    {
        using var pod = new Pod(engine, runtime, Pod.OnHostNetwork);
        string id = pod.Start("one", "trap 'exit 9' TERM; while :; do sleep 0.1; done");
        engine.Stop();
        engine.Start();
        Assert.Equal(ContainerState.ContainerRunning, pod.StatusOf(id).State);
        Assert.Equal("still\n", pod.Exec(id, "echo still").Out);
        Assert.Equal(9, pod.Stop(id, seconds: 100).ExitCode);
    }

    [Theory]
    [MemberData(nameof(Runtimes))]
    public void Nothing_is_left_of_a_pod(string runtime)
    {
        string[] names;
        using (var pod = new Pod(engine, runtime))
        {
            names = [pod.Id, pod.Start("one", "sleep 1000")];
        }

        string left = engine.Space.Succeed("find /sys/fs/cgroup -type d; ls /run/netns; find /run/containerd; cat /proc/mounts");
        Assert.All(names, name => Assert.DoesNotContain(name, left, StringComparison.Ordinal));
    }

    /// <summary>Memory in bytes, processor time in microseconds per period, weight: as cgroup v1 has them. runc before 1.3.2 turned shares into other weights.</summary>
    private string[] Limits(string cgroup) => engine.Space.Succeed($"""
        if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
            cd /sys/fs/cgroup{cgroup}; cat memory.max; cut -d' ' -f1 cpu.max; weight=$(cat cpu.weight)
            case $weight in 20|59) echo 512 ;; 10|35) echo 256 ;; *) echo "weight $weight" ;; esac
        else
            cd /sys/fs/cgroup; cat memory{cgroup}/memory.limit_in_bytes cpu{cgroup}/cpu.cfs_quota_us cpu{cgroup}/cpu.shares
        fi
        """).Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
