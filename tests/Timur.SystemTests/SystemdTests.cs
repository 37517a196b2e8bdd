using Xunit;

namespace Timur.SystemTests;

/// <summary>Cgroups that are units of systemd's. It is process 1 of a process namespace in the virtual machine, with no unit but what is made here.</summary>
public abstract class SystemdTests(VirtualMachine machine)
{
    private const string Bundle = """
        timur run --rm --network none busybox true
        rm -rf /tmp/sd && mkdir -p /tmp/sd && cd /tmp/sd && timur oci spec && tr -d '\n\t' <config.json | sed 's/": /":/g' >line && mv line config.json
        sed -i 's/"terminal":true/"terminal":false/; s#"path":"rootfs"#"path":"'$(echo /var/lib/timur/images/layers/*)'"#; s/"args":\["sh"\]/"args":["sleep","1000"]/
            s/"resources":{/"resources":{"memory":{"limit":16777216,"swap":16777216},"cpu":{"quota":50000,"shares":512},/' config.json
        oci="timur oci --systemd-cgroup"
        """;

    [Fact]
    public void A_container_is_a_scope_below_the_slice_that_its_path_names_until_it_is_deleted()
    {
        Outcome outcome = InSystemd($$"""
            {{Bundle}}
            sed -i 's/"linux":{/"linux":{"cgroupsPath":"user-1000.slice:timur:one",/' config.json
            $oci create one </dev/null >out 2>&1; cat out
            scope=/sys/fs/cgroup/user.slice/user-1000.slice/timur-one.scope
            grep -c . $scope/cgroup.procs; cat $scope/memory.max $scope/memory.swap.max $scope/cpu.max $scope/cpu.weight
            cat /run/systemd/transient/timur-one.scope | grep -E '^(Slice|Delegate|MemoryMax|CPUWeight|DevicePolicy|DefaultDependencies)=' | sort -u
            $oci start one; $oci exec one cat /proc/self/cgroup; $oci exec one sh -c 'echo >/dev/null && echo null; cat /dev/vda 2>&1 '
            $oci update --pids-limit 20 --memory 33554432 --memory-swap 33554432 one; cat $scope/pids.max $scope/memory.max
            cat /run/systemd/*/timur-one.scope.d/* | grep -E '^(TasksMax|MemoryMax)=' | sort -u
            $oci pause one; $oci state one | grep -c paused; $oci resume one
            $oci kill one KILL; $oci delete one; [ -e $scope ] || echo gone; ls /run/systemd/transient
            """);
        Assert.True(outcome.Out == """
            1
            16777216
            0
            50000 100000
            59
            CPUWeight=59
            DefaultDependencies=no
            Delegate=yes
            DevicePolicy=strict
            MemoryMax=16777216
            Slice=user-1000.slice
            0::/
            null
            cat: can't open '/dev/vda': No such file or directory
            20
            33554432
            MemoryMax=33554432
            TasksMax=20
            1
            gone

            """, outcome.ToString());
    }

    /// <summary>systemd counts a quota per second and in whole percents: both say the same at any time.</summary>
    [Fact]
    public void A_quota_or_a_period_alone_leaves_the_other_as_it_was()
    {
        Outcome outcome = InSystemd($$"""
            {{Bundle}}
            sed -i 's/"linux":{/"linux":{"cgroupsPath":"user-1000.slice:timur:cpu",/; s/"quota":50000/"quota":500000,"period":1000000/' config.json
            $oci create one </dev/null >out 2>&1; cat out
            say() { cat /sys/fs/cgroup/user.slice/user-1000.slice/timur-cpu.scope/cpu.max; cat /run/systemd/*/timur-cpu.scope.d/* /run/systemd/transient/timur-cpu.scope 2>/dev/null | grep -o '^CPUQuota=.*' | head -1; }
            say; $oci update --cpu-period 900000 one; say; $oci update --cpu-quota 600000 one; say; $oci update --cpu-quota -1 one; head -1 /sys/fs/cgroup/user.slice/user-1000.slice/timur-cpu.scope/cpu.max
            $oci kill one KILL; $oci delete one
            """);
        Assert.True(outcome.Out == "500000 1000000\nCPUQuota=50%\n504000 900000\nCPUQuota=56%\n603000 900000\nCPUQuota=67%\nmax 900000\n", outcome.ToString());
    }

    /// <summary>systemd itself passes no huge pages on, and would only say that the unit is there already.</summary>
    [Fact]
    public void A_scope_has_huge_pages_limited_and_is_nobody_elses()
    {
        Outcome outcome = InSystemd($$"""
            {{Bundle}}
            sed -i 's/"linux":{/"linux":{"cgroupsPath":"user-1000.slice:timur:huge",/; s/"resources":{/"resources":{"hugepageLimits":[{"pageSize":"2MB","limit":4194304}],/' config.json
            $oci create one </dev/null >out 2>&1; cat out
            cat /sys/fs/cgroup/user.slice/user-1000.slice/timur-huge.scope/hugetlb.2MB.max
            $oci create two </dev/null 2>&1 >/dev/null | grep -o 'cgroup is not empty: 1 process'
            $oci kill one KILL; $oci delete one; ls /run/systemd/transient
            """);
        Assert.True(outcome.Out == "4194304\ncgroup is not empty: 1 process\n", outcome.ToString());
    }

    [Fact]
    public void Without_a_path_it_is_a_scope_of_its_own_name_and_a_failure_leaves_none()
    {
        Outcome outcome = InSystemd($$"""
            {{Bundle}}
            timeout 10 $oci run two </dev/null >out 2>&1 & sleep 2; cat out; ls -d /sys/fs/cgroup/system.slice/runc-two.scope
            timur oci kill two KILL; wait; ls -d /sys/fs/cgroup/system.slice/runc-two.scope
            sed -i 's/"args":\["sleep","1000"\]/"args":["nope"]/' config.json; $oci run three; ls -d /sys/fs/cgroup/system.slice/runc-three.scope
            sed 's/"linux":{/"annotations":{"org.systemd.property.TimeoutStopUSec":"soon"},"linux":{/' config.json >asked; mv config.json kept; mv asked config.json; $oci run five; mv kept config.json
            sed -i 's/"linux":{/"linux":{"cgroupsPath":"\/plain\/path",/' config.json; $oci run four
            """);
        Assert.True(outcome.Out == "/sys/fs/cgroup/system.slice/runc-two.scope\n", outcome.ToString());
        Assert.Contains("runc-two.scope: No such file", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("runc-three.scope: No such file", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("config.json: annotations: org.systemd.property.TimeoutStopUSec: 'soon' can't be read", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("expected cgroupsPath to be of format \\\"slice:prefix:name\\\" for systemd cgroups, got \\\"/plain/path\\\" instead", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Where_systemd_does_not_run_it_says_so_in_the_words_that_callers_know()
    {
        using var bundle = new OciBundle();
        bundle.Linux["cgroupsPath"] = "system.slice:timur:test";
        bundle.Save();
        Outcome outcome = bundle.Execute(["--systemd-cgroup"], ["run", "--bundle", bundle.Directory, bundle.NewId()]);
        Assert.True(Directory.Exists("/run/systemd/system") || outcome.Error.Contains("systemd cgroup flag passed, but systemd support for managing cgroups is not available", StringComparison.Ordinal), outcome.ToString());
        Assert.Equal("", bundle.Execute("list", "-q").Out);
    }

    /// <summary>The script runs in systemd's namespaces; then both end.</summary>
    private Outcome InSystemd(string script) => machine.Shell($$"""
        mkdir -p /run/systemd/system /etc/systemd/system; echo '[Unit]' >/etc/systemd/system/default.target
        cat >/run/inside <<'END'
        {{script}}
        END
        container=other unshare -m -p -f sh -c 'mount -t proc proc /proc; export LD_LIBRARY_PATH=/opt/systemd; exec /opt/systemd/systemd --unit=default.target --log-target=kmsg' </dev/null >/run/systemd.log 2>&1 &
        for i in $(seq 100); do [ -S /run/systemd/private ] && break; sleep 0.2; done
        p=$(pidof systemd | cut -d' ' -f1); nsenter -t $p -m -p timeout 60 sh /run/inside; code=$?
        kill -9 $p; wait; rm -rf /run/systemd; exit $code
        """);
}
