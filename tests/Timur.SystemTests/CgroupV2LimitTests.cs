using System.Globalization;
using System.Text.RegularExpressions;
using Xunit;

namespace Timur.SystemTests;

/// <summary>Each limit is shown to bite on cgroup v2, in a virtual machine that has nothing else.</summary>
public abstract class CgroupV2LimitTests(VirtualMachine machine)
{
    [Fact]
    public void The_machine_is_all_v2_and_info_says_so()
    {
        Outcome outcome = machine.Shell("grep -c cgroup /proc/mounts; timur info");
        Assert.StartsWith("1\n", outcome.Out);
        Assert.Contains("CgroupMode: v2\n", outcome.Out);
        foreach (string controller in (string[])["cpu", "cpuacct", "cpuset", "memory", "pids", "devices", "freezer", "blkio", "hugetlb"])
        {
            Assert.Contains($"  {controller}: v2\n", outcome.Out);
        }

        // The guest has few libraries.
        Assert.EndsWith("What this machine lacks:\n  - no libisal.so.2 (Debian's libisal2): unpacking gzip takes twice the time\n", outcome.Out);
    }

    [Fact]
    public void Memory_over_the_limit_is_killed_and_reported()
    {
        Outcome outcome = machine.Shell("""
            timur run --name greedy --network none -m 16m --memory-swap 16m busybox tail /dev/zero; echo $?
            timur inspect --format '{{.State.OOMKilled}} {{.State.ExitCode}}' greedy; timur rm greedy
            """);
        Assert.Equal("137\ntrue 137\ngreedy\n", outcome.Out);
        Assert.Equal(0, machine.Run("-m 16m --memory-swap 16m", "head -c 4m /dev/zero | tail -c 4m >/dev/null").Code);
    }

    [Fact]
    public void Swap_takes_what_memory_cannot_hold_up_to_its_own_limit()
    {
        const string fill = "dd if=/dev/zero of=/dev/shm/f bs=1M count=24 2>/dev/null; echo $?; cat /sys/fs/cgroup/memory.swap.max /sys/fs/cgroup/memory.swap.current";
        string[] fits = machine.Run("-m 16m --memory-swap 48m", fill).Out.Split('\n');
        Assert.Equal("0", fits[0]);
        Assert.Equal("33554432", fits[1]);
        Assert.InRange(long.Parse(fits[2], CultureInfo.InvariantCulture), 7 << 20, 32 << 20);
        Assert.Equal(137, machine.Run("-m 16m --memory-swap 16m", "exec dd if=/dev/zero of=/dev/shm/f bs=1M count=24").Code);
        Assert.Equal("16777216\n", machine.Run("-m 16m", "cat /sys/fs/cgroup/memory.swap.max").Out);
        Assert.Equal("max\n", machine.Run("-m 16m --memory-swap -1", "cat /sys/fs/cgroup/memory.swap.max").Out);
    }

    /// <summary>Two containers below one limit: what is taken when it is reached is taken from the one without a reservation.</summary>
    [Fact]
    public void Memory_that_is_reserved_is_not_taken_by_others()
    {
        Outcome outcome = machine.Shell("""
            mkdir /sys/fs/cgroup/squeeze
            for name in reserved open; do
                [ $name = reserved ] && reserve='--memory-reservation 40m' || reserve=
                timur run -d --name $name --network none --cgroup-parent /squeeze $reserve busybox sh -c 'dd if=/dev/zero of=/dev/shm/f bs=1M count=32 2>/dev/null; touch /done; exec sleep 1000' >/dev/null
                timur exec $name sh -c 'while [ ! -e /done ]; do sleep 0.1; done'
            done
            echo 48M >/sys/fs/cgroup/squeeze/memory.max
            for name in reserved open; do cat /sys/fs/cgroup/squeeze/$(timur inspect --format '{{.Id}}' $name)/memory.swap.current; done
            timur rm -f reserved open >/dev/null
            rmdir /sys/fs/cgroup/squeeze && echo removed
            """);
        string[] lines = outcome.Out.Split('\n');
        Assert.True(lines.Length == 4 && lines[2] == "removed", outcome.ToString());
        Assert.Equal("0", lines[0]);
        Assert.True(long.Parse(lines[1], CultureInfo.InvariantCulture) > 8 << 20, outcome.ToString());
    }

    [Fact]
    public void Only_the_named_cpus_are_used()
        => Assert.Equal("1\nCpus_allowed_list:\t1\n", machine.Run("--cpuset-cpus 1", "cat /sys/fs/cgroup/cpuset.cpus.effective; grep Cpus_allowed_list /proc/self/status").Out);

    [Fact]
    public void More_processes_than_allowed_are_refused()
    {
        Outcome outcome = machine.Run("--pids-limit 8", "(for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 2 & done; wait); cat /sys/fs/cgroup/pids.max; grep -v 'max 0' /sys/fs/cgroup/pids.events");
        Assert.Contains("can't fork", outcome.Error);
        Assert.Matches("^8\nmax [1-9]", outcome.Out);
    }

    [Fact]
    public void A_weight_of_block_io_reaches_every_scheduler_that_knows_weights()
        => Assert.Equal("default 500\ndefault 4950\n", machine.Run("--blkio-weight 500", "cat /sys/fs/cgroup/io.bfq.weight /sys/fs/cgroup/io.weight").Out);

    /// <summary>The kernel takes a line for one device in each write.</summary>
    [Fact]
    public void A_unified_value_of_several_lines_is_set_line_by_line()
    {
        Outcome outcome = InBundle("""{"unified":{"io.max":"254:0 riops=333 wiops=444\n254:16 riops=555\n"}}""", "sort", "/sys/fs/cgroup/io.max");
        Assert.True(outcome is { Out: "254:0 rbps=max wbps=max riops=333 wiops=444\n254:16 rbps=max wbps=max riops=555 wiops=max\n", Error: "" }, outcome.ToString());
    }

    [Fact]
    public void Huge_pages_are_limited_in_use_and_in_reservation()
    {
        Outcome outcome = InBundle("""{"hugepageLimits":[{"pageSize":"2MB","limit":4194304}]}""", "cat", "/sys/fs/cgroup/hugetlb.2MB.max", "/sys/fs/cgroup/hugetlb.2MB.rsvd.max");
        Assert.True(outcome is { Out: "4194304\n4194304\n", Error: "" }, outcome.ToString());
    }

    /// <summary>In a user namespace: nothing is given of a cgroup that is shown read-only, and none of the limits (runtime-spec config-linux.md, Cgroup ownership).</summary>
    [Theory]
    [InlineData("rw", "0 0 0 65534 65534\nmade\n1\n")]
    [InlineData("ro", "65534 65534 65534 65534 65534\n")]
    public void A_cgroup_that_may_be_written_to_is_the_containers(string access, string expected)
    {
        Outcome outcome = InBundleWith("{}", Mapped, access, "sh", "-c", "cd /sys/fs/cgroup; echo $(stat -c %u . cgroup.procs cgroup.subtree_control memory.max cpu.max); mkdir own && echo made && echo 0 >own/cgroup.procs && grep -c . own/cgroup.procs");
        Assert.True(outcome.Out.StartsWith(expected, StringComparison.Ordinal) && outcome.Out.Contains("made", StringComparison.Ordinal) == (access == "rw"), outcome.ToString());
        Assert.Equal("", machine.Shell("find /sys/fs/cgroup -name bundle").Out);
    }

    private const string Mapped = ""","uidMappings":[{"containerID":0,"hostID":100000,"size":65534}],"gidMappings":[{"containerID":0,"hostID":100000,"size":65534}]""";

    private Outcome InBundle(string resources, params string[] arguments) => InBundleWith(resources, "", "ro", arguments);

    /// <summary>A command in an OCI container with these resources.</summary>
    /// <param name="resources">The whole object.</param>
    /// <param name="mapped">Members of <c>linux</c> that map ids, with a comma before them, for one in a user namespace.</param>
    /// <param name="access">Of the mount of its cgroups: rw or ro.</param>
    /// <param name="arguments">The command.</param>
    private Outcome InBundleWith(string resources, string mapped, string access, params string[] arguments)
    {
        string user = mapped.Length > 0 ? """,{"type":"user"}""" : "";
        string config = $$"""
            {"ociVersion":"1.2.0","root":{"path":"ROOT","readonly":true},"process":{"cwd":"/","args":{{System.Text.Json.JsonSerializer.Serialize(arguments)}},"env":["PATH=/bin:/usr/bin"]},
            "mounts":[{"destination":"/proc","type":"proc"},{"destination":"/dev","type":"tmpfs"},{"destination":"/sys","type":"sysfs"},{"destination":"/sys/fs/cgroup","type":"cgroup","options":["{{access}}"]}],
            "linux":{"resources":{{resources}},"namespaces":[{"type":"pid"},{"type":"mount"},{"type":"cgroup"},{"type":"network"}{{user}}]{{mapped}}
            }
            }
            """;
        return machine.Shell($"""
            timur run --rm --network none busybox true
            rm -rf /tmp/bundle && mkdir /tmp/bundle && cd /tmp/bundle
            cat >config.json <<'END'
            {config}
            END
            sed -i 's#ROOT#'$(echo /var/lib/timur/images/layers/*)'#' config.json
            timur oci run bundle; rm -rf /tmp/bundle
            """);
    }

    [Fact]
    public void Devices_that_were_not_given_cannot_be_opened_even_with_a_node()
    {
        Outcome refused = machine.Run("", "mknod /tmp/disk b 254 0; mknod /tmp/kmsg c 1 11; mknod /tmp/null c 1 3; head -c 1 /tmp/disk; head -c 1 /tmp/kmsg; cat /tmp/null; echo x >/dev/null && echo nodes");
        Assert.Equal("nodes\n", refused.Out);
        Assert.Equal(2, Regex.Count(refused.Error, "Operation not permitted"));
    }

    [Theory]
    [InlineData("--device /dev/vda", true, true)]
    [InlineData("--device /dev/vda:/dev/vda:r", true, false)]
    [InlineData("--device /dev/vda:/dev/vda:w", false, true)]
    [InlineData("--device-cgroup-rule 'b 254:0 r'", true, false)]
    [InlineData("--device-cgroup-rule 'b 254:* rw'", true, true)]
    [InlineData("--device-cgroup-rule 'b 253:* rwm'", false, false)]
    [InlineData("--device-cgroup-rule 'c 254:0 rwm'", false, false)]
    [InlineData("--privileged", true, true)]
    public void A_device_is_given_for_what_was_asked(string options, bool read, bool write)
    {
        Outcome outcome = machine.Run(options, "mknod /tmp/disk b 254 0; true </tmp/disk && echo read; true >>/tmp/disk && echo write; true");
        Assert.Equal((read ? "read\n" : "") + (write ? "write\n" : ""), outcome.Out);
    }

    [Theory]
    [InlineData("500")]
    [InlineData("-500")]
    public void The_oom_score_is_set(string score) => Assert.Equal(score + "\n", machine.Run("--oom-score-adj " + score, "cat /proc/self/oom_score_adj").Out);

    [Theory]
    [InlineData("--memory-swappiness 10", "--memory-swappiness")]
    [InlineData("-m 16m --oom-kill-disable", "--oom-kill-disable")]
    public void A_limit_that_v2_does_not_have_is_a_warning_or_with_strict_an_error(string options, string named)
    {
        Outcome outcome = machine.Run(options, "true");
        Assert.Equal(0, outcome.Code);
        Assert.Contains(named + " has no effect: cgroup v2 has no such file", outcome.Error);
        Assert.Equal(125, machine.Run("--strict " + options, "true").Code);
    }
}
