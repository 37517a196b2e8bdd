using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Xunit;

namespace Timur.SystemTests;

/// <summary>What containers do on cgroup v2 beside their limits, in a virtual machine that has nothing else.</summary>
public abstract class CgroupV2LifeTests(VirtualMachine machine)
{
    [Fact]
    public void A_container_sees_its_own_cgroup_as_the_root_and_cannot_change_it()
    {
        Outcome outcome = machine.Run("", "cat /proc/self/cgroup; cat /sys/fs/cgroup/cgroup.procs | head -1; mkdir /sys/fs/cgroup/inner; echo max >/sys/fs/cgroup/pids.max");
        Assert.Equal("0::/\n1\n", outcome.Out);
        Assert.Equal(2, Regex.Count(outcome.Error, "Read-only file system"));
    }

    [Fact]
    public void An_OCI_container_lives_and_is_limited_on_v2_alone()
    {
        Outcome outcome = machine.Shell("""
            timur run --rm --network none busybox true
            mkdir /tmp/bundle && cd /tmp/bundle && timur oci spec && tr -d '\n\t' <config.json | sed 's/": /":/g' >line && mv line config.json
            sed -i 's/"terminal":true/"terminal":false/; s/"readonly":true/"readonly":false/; s#"path":"rootfs"#"path":"'$(echo /var/lib/timur/images/layers/*)'"#
                s/"args":\["sh"\]/"args":["sh","-c","cat \/proc\/self\/cgroup; exec sleep 1000"]/' config.json
            timur oci run -d two </dev/null >out 2>&1; sleep 0.5; cat out; timur oci exec two cat /proc/self/cgroup
            timur oci update --pids-limit 20 --memory 16777216 two; cat /sys/fs/cgroup/two/pids.max /sys/fs/cgroup/two/memory.max
            timur oci pause two; timur oci state two | grep -c paused; timur oci resume two; timur oci ps --format json two | grep -c '^\[[0-9]*\]$'
            timur oci exec two tail /dev/zero; echo $?
            timur oci kill two KILL; sleep 0.5; timur oci delete two; [ -e /sys/fs/cgroup/two ] || echo gone; rm -r /tmp/bundle
            """);
        Assert.True(outcome is { Out: "0::/\n0::/\n20\n16777216\n1\n1\n137\ngone\n", Error: "" }, outcome.ToString());
    }

    /// <summary>With what v2 alone has: pressure.</summary>
    [Fact]
    public void An_OCI_containers_statistics_and_kills_are_events_on_v2()
    {
        Outcome outcome = machine.Shell("""
            timur run --rm --network none busybox true
            mkdir /tmp/events && cd /tmp/events && timur oci spec && tr -d '\n\t' <config.json | sed 's/": /":/g' >line && mv line config.json
            sed -i 's/"terminal":true/"terminal":false/; s#"path":"rootfs"#"path":"'$(echo /var/lib/timur/images/layers/*)'"#
                s/"args":\["sh"\]/"args":["sleep","1000"]/; s/"resources":{/"resources":{"memory":{"limit":16777216,"swap":16777216},"cpu":{"quota":50000},/' config.json
            timur oci run -d told </dev/null >out 2>&1; cat out
            timur oci events --interval 500ms told >lines & events=$!
            for i in $(seq 100); do grep -q stats lines && break; sleep 0.2; done
            timur oci exec told tail /dev/zero
            for i in $(seq 100); do grep -q '"type":"oom"' lines && break; sleep 0.2; done
            grep '"type":"oom"' lines | head -1; timur oci events --stats told
            timur oci update --cpu-period 20000 told; timur oci update --memory-swap 33554432 told; cat /sys/fs/cgroup/told/cpu.max
            timur oci update --memory-swap 1048576 told; timur oci delete -f told; wait $events; rm -r /tmp/events
            """);
        string[] lines = outcome.Out.Split('\n');
        Assert.True(lines.Length == 4, outcome.ToString());
        Assert.Equal("""{"type":"oom","id":"told"}""", lines[0]);
        JsonNode told = JsonNode.Parse(lines[1])!["data"]!;
        Assert.Equal(("16777216", "16777216"), (told["memory"]!["usage"]!["limit"]!.ToString(), told["memory"]!["swap"]!["limit"]!.ToString()));
        Assert.True(told["memory"]!["event_count"]!["oom_kill"]!.GetValue<long>() > 0 && told["memory"]!["raw"]!["anon"] is not null, lines[1]);
        Assert.True(told["cpu"]!["usage"]!["total"]!.GetValue<long>() > 0 && told["pids"]!["current"]!.GetValue<long>() == 1, lines[1]);
        Assert.All(new[] { "cpu", "memory", "blkio" }, place => Assert.NotNull(told[place]!["psi"]!["some"]!["avg300"]));
        Assert.Equal("50000 20000", lines[2]);
        Assert.Contains("--memory-swap: 1048576 is less than --memory: 16777216", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_command_that_enters_is_under_the_same_limits()
    {
        machine.Start("entered", "-m 16m --memory-swap 16m", "exec sleep 1000");
        Outcome outcome = machine.Shell("timur exec entered cat /proc/self/cgroup; timur exec entered tail /dev/zero; echo $?; timur rm -f entered >/dev/null");
        Assert.Equal("0::/\n137\n", outcome.Out);
    }

    /// <summary>Systemd does so inside: its own cgroup passes the controllers on and takes no process any more.</summary>
    [Fact]
    public void A_command_enters_where_the_first_process_is_when_that_moved_to_a_cgroup_of_its_own()
    {
        string cgroup = machine.Start("inner", "--privileged", "mkdir /sys/fs/cgroup/init && echo 1 >/sys/fs/cgroup/init/cgroup.procs && echo +memory +pids >/sys/fs/cgroup/cgroup.subtree_control && touch /ready; exec sleep 1000");
        Outcome outcome = machine.Shell($"""
            for i in 1 2 3 4 5 6 7 8 9 10; do grep -q memory {cgroup}/cgroup.subtree_control && break; sleep 0.2; done
            timur exec inner cat /proc/self/cgroup; timur exec -d inner sleep 2222; sleep 0.5; grep -c . {cgroup}/init/cgroup.procs; timur rm -f inner >/dev/null; [ -e {cgroup} ] || echo gone
            """);
        Assert.True(outcome.Out == "0::/init\n2\ngone\n", outcome.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("--userns auto")]
    public void A_time_namespace_has_clocks_of_its_own_for_the_first_process_and_for_further_ones(string options)
    {
        machine.Start("early", $"--time-offset boottime=10000000 {options}", "cut -d. -f1 /proc/uptime; exec sleep 1000");
        Outcome outcome = machine.Shell("sleep 0.5; timur logs early; timur exec early cut -d. -f1 /proc/uptime; timur rm -f early >/dev/null");
        Assert.Matches(@"^10000\d{3}\n10000\d{3}\n$", outcome.Out);
    }

    [Fact]
    public void The_machines_memory_is_told_even_under_a_limit()
    {
        Outcome outcome = machine.Shell("""
            mkdir /sys/fs/cgroup/tight; echo 100M >/sys/fs/cgroup/tight/memory.max
            sh -c 'echo $$ >/sys/fs/cgroup/tight/cgroup.procs; exec timur info --format "{{.MemTotal}}"'
            echo $(($(sed -n 's/MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo) * 1024)); rmdir /sys/fs/cgroup/tight
            """);
        string[] lines = outcome.Out.Split('\n');
        Assert.True(lines.Length == 3 && lines[0] == lines[1], outcome.ToString());
    }

    [Fact]
    public void What_is_paused_uses_no_cpu_until_it_goes_on()
    {
        string cgroup = machine.Start("paused", "", "while :; do :; done");
        Outcome outcome = machine.Shell($"""
            usage() {"{"} grep usage_usec {cgroup}/cpu.stat | cut -d' ' -f2; {"}"}
            timur pause paused >/dev/null; grep frozen {cgroup}/cgroup.events; timur inspect --format '{"{{.State.Status}}"}' paused
            a=$(usage); sleep 1; b=$(usage)
            timur unpause paused >/dev/null; grep frozen {cgroup}/cgroup.events
            sleep 1; c=$(usage); echo $((b - a)); [ $((c - b)) -gt 100000 ] && echo goes on
            timur pause paused >/dev/null; timur stop -t 0 paused; timur rm paused
            """);
        Assert.Equal("frozen 1\npaused\nfrozen 0\n0\ngoes on\npaused\npaused\n", outcome.Out);
    }

    [Fact]
    public void Statistics_are_the_kernels_counters()
    {
        machine.Start("counted", "-m 64m --pids-limit 20", "dd if=/dev/zero of=/dev/shm/f bs=1M count=8 2>/dev/null; dd if=/dev/zero of=/f bs=1M count=2 oflag=direct 2>/dev/null; sleep 1000 & while :; do :; done");
        Outcome outcome = machine.Shell("sleep 3; timur stats --no-stream --format '{{.CPUPerc}}|{{.MemUsage}}|{{.BlockIO}}|{{.PIDs}}|{{.Pressure}}' counted; timur rm -f counted >/dev/null");
        string[] fields = outcome.Out.Trim().Split('|');
        Assert.True(fields.Length == 5, outcome.ToString());
        Assert.True(double.Parse(fields[0].TrimEnd('%'), CultureInfo.InvariantCulture) > 20, outcome.ToString());
        Assert.Matches(@"^([89]|1\d)(\.\d+)?MiB / 64MiB$", fields[1]);
        Assert.EndsWith(" / 2.1MB", fields[2]);
        Assert.Equal("2", fields[3]);
        Assert.Matches(@"^cpu \d+\.\d mem \d+\.\d io \d+\.\d$", fields[4]);
    }

    [Fact]
    public void Its_processes_are_listed_with_the_hosts_numbers()
    {
        machine.Start("listed", "", "sleep 1111 & exec sleep 2222");
        Outcome outcome = machine.Shell("timur top listed; timur rm -f listed >/dev/null");
        Assert.Matches(@"\n\d{2,} .* sleep 1111\n", outcome.Out);
        Assert.Matches(@"\n\d{2,} .* sleep 2222\n", outcome.Out);
    }

    /// <summary>In the host's process namespace nothing dies with process 1: cgroup.kill does it.</summary>
    [Fact]
    public void Nobody_outlives_a_container_even_in_the_hosts_process_namespace()
    {
        string cgroup = machine.Start("many", "--pid host", "for i in 1 2 3 4 5; do setsid sleep 3333 & done; exec sleep 4444");
        Outcome outcome = machine.Shell($"""
            sleep 1; grep -c . {cgroup}/cgroup.procs; timur kill many >/dev/null; timur wait many
            pidof -s sleep; [ -e {cgroup} ] || echo gone; timur rm many
            """);
        Assert.Equal("6\n137\ngone\nmany\n", outcome.Out);
    }

    [Fact]
    public void A_run_with_rm_leaves_neither_cgroup_nor_mount_nor_link()
    {
        const string state = "find /sys/fs/cgroup -type d | sort; cut -d' ' -f3- /proc/mounts | sort; cat /sys/block/loop*/loop/backing_file 2>/dev/null; ls /sys/class/net";

        // The link of an earlier test's container goes when the kernel has taken down its namespace.
        machine.Shell("timur run --rm busybox true; for i in $(seq 300); do ls /sys/class/net | grep -q '^tm[0-9a-f]' || break; sleep 0.1; done");
        string before = machine.Shell(state).Out;
        Outcome outcome = machine.Shell("timur run --rm --disk 64m -m 32m --cpus 0.5 busybox sh -c 'echo ran; exit 3'");
        Assert.Equal((3, "ran\n"), (outcome.Code, outcome.Out));
        Assert.Equal(before, machine.Shell(state).Out);
    }

    [Fact]
    public void A_limit_that_the_kernel_refuses_leaves_nothing_behind()
    {
        Outcome outcome = machine.Shell("timur run --rm --network none busybox true; a=$(find /sys/fs/cgroup -type d); timur run --rm --network none --cpuset-cpus 77 busybox true; echo $?; b=$(find /sys/fs/cgroup -type d); [ \"$a\" = \"$b\" ] && echo same; timur ps -aq");
        Assert.Equal("125\nsame\n", outcome.Out);
        Assert.Contains("--cpuset-cpus", outcome.Error);
    }

    [Fact]
    public void A_parent_that_cannot_pass_controllers_on_is_explained_and_nothing_is_left()
    {
        Outcome outcome = machine.Shell("""
            mkdir /sys/fs/cgroup/busy; sleep 1000 & echo $! >/sys/fs/cgroup/busy/cgroup.procs
            timur run --rm --network none --cgroup-parent /busy -m 16m busybox true; echo $?
            kill $!; wait $! 2>/dev/null; rmdir /sys/fs/cgroup/busy && echo removed
            """);
        Assert.Equal("125\nremoved\n", outcome.Out);
        Assert.Contains("the parent cgroup doesn't pass its controller on", outcome.Error);
    }

    [Fact]
    public void Cgroups_that_a_privileged_container_made_go_with_it()
    {
        string cgroup = machine.Start("nested", "--privileged", "mkdir -p /sys/fs/cgroup/a/b && echo made; exec sleep 1000");
        Outcome outcome = machine.Shell($"sleep 1; timur logs nested; ls -d {cgroup}/a/b >/dev/null && echo there; timur rm -f nested >/dev/null; [ -e {cgroup} ] || echo gone");
        Assert.Equal("made\nthere\ngone\n", outcome.Out);
    }

    [Fact]
    public void A_disk_is_a_hard_limit()
        => Assert.Contains("No space left on device", machine.Run("--disk 64m", "dd if=/dev/zero of=/big bs=1M count=100").Error);

    [Fact]
    public void Published_ports_answer_on_the_default_network()
    {
        Outcome outcome = machine.Shell("""
            timur run -d --name web -p 8080:80 busybox sh -c 'mkdir /www; echo served >/www/index.html; exec httpd -f -p 80 -h /www' >/dev/null
            for i in 1 2 3 4 5 6 7 8 9 10; do timur exec web nc -z 127.0.0.1 80 2>/dev/null && break; sleep 0.3; done
            wget -qO- http://127.0.0.1:8080/; timur run --rm busybox wget -qO- http://$(timur inspect --format '{{.NetworkSettings.IPAddress}}' web)/; timur rm -f web >/dev/null
            """);
        Assert.Equal("served\nserved\n", outcome.Out);
    }
}
