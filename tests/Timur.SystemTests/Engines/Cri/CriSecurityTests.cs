using Xunit;

namespace Timur.SystemTests.Engines.Cri;

/// <summary>What a security context asks for is what its container has, by the runtime that the pod names; runc is the control.</summary>
[Collection(nameof(CriEngine))]
public sealed class CriSecurityTests(CriEngine engine)
{
    public static TheoryData<string> Runtimes => CriEngine.Runtimes;

    [Theory]
    [MemberData(nameof(Runtimes))]
    public void It_runs_as_whom_it_is_told(string runtime)
    {
        using var pod = new Pod(engine, runtime, Pod.OnHostNetwork);
        Assert.Equal("uid=1000(user) gid=2000 groups=3000,4000\n", Remove2000(Output(pod, "id", "id", context =>
        {
            context.RunAsUser = new Int64Value { Value = 1000 };
            context.RunAsGroup = new Int64Value { Value = 2000 };
            context.SupplementalGroups.AddRange([3000, 4000]);
        })));
        Assert.Equal("1000\n/home/user\n", Output(pod, "name", "id -u; cd; pwd", context => context.RunAsUsername = "user"));

        // The main group is in the list as well, or is not, by the version of containerd.
        static string Remove2000(string text) => text.Replace("groups=2000,", "groups=", StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Runtimes))]
    public void It_has_the_capabilities_that_it_is_left(string runtime)
    {
        using var pod = new Pod(engine, runtime, Pod.OnHostNetwork);
        const string Script = "grep -E 'CapEff|CapBnd|NoNewPrivs' /proc/self/status | tr -d '\\t'";
        Assert.Equal("CapEff:00000000a80425fb\nCapBnd:00000000a80425fb\nNoNewPrivs:0\n", Output(pod, "usual", Script, _ => { }));
        Assert.Equal("CapEff:0000000000001001\nCapBnd:0000000000001001\nNoNewPrivs:1\n", Output(pod, "two", Script, context =>
        {
            context.Capabilities.DropCapabilities.Add("ALL");
            context.Capabilities.AddCapabilities.AddRange(["CHOWN", "NET_ADMIN"]);
            context.NoNewPrivs = true;
        }));
    }

    [Theory]
    [MemberData(nameof(Runtimes))]
    public void Its_root_and_paths_are_read_only_or_masked(string runtime)
    {
        using var pod = new Pod(engine, runtime, Pod.OnHostNetwork);
        Assert.Equal("touch: /x: Read-only file system\n0\nsh: can't create /proc/sys/kernel/domainname: Read-only file system\n", Output(
            pod, "paths", "touch /x 2>&1; wc -c </proc/timer_list; (echo x >/proc/sys/kernel/domainname) 2>&1", context =>
            {
                context.ReadonlyRootfs = true;
                context.MaskedPaths.Add("/proc/timer_list");
                context.ReadonlyPaths.Add("/proc/sys");
            }));
    }

    [Theory]
    [MemberData(nameof(Runtimes))]
    public void Its_system_calls_are_filtered_by_the_profile_that_is_named(string runtime)
    {
        using var pod = new Pod(engine, runtime, Pod.OnHostNetwork);
        const string Script = "grep Seccomp: /proc/self/status | tr -d '\\t'; mkdir /tmp/y 2>&1; unshare -U true 2>/dev/null || echo refused";
        Assert.Equal("Seccomp:2\nrefused\n", Output(pod, "default", Script, context => context.Seccomp = new SecurityProfile { ProfileType = SecurityProfile.Types.ProfileType.RuntimeDefault }));
        Assert.StartsWith("Seccomp:0\n", Output(pod, "none", Script, context => context.Seccomp = new SecurityProfile { ProfileType = SecurityProfile.Types.ProfileType.Unconfined }), StringComparison.Ordinal);
        string profile = engine.Space.Directory + "/profile.json";
        File.WriteAllText(profile, """{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO","errnoRet":1}]}""");
        Assert.StartsWith("Seccomp:2\nmkdir: can't create directory '/tmp/y': Operation not permitted\n", Output(
            pod, "file", Script, context => context.Seccomp = new SecurityProfile { ProfileType = SecurityProfile.Types.ProfileType.Localhost, LocalhostRef = profile }), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Runtimes))]
    public void Mounts_and_devices_are_there(string runtime)
    {
        using var pod = new Pod(engine, runtime, Pod.OnHostNetwork);
        File.WriteAllText(engine.Space.Directory + "/given", "given\n");
        (string output, _) = pod.RunToEnd("mounts", "cat /given; touch /given 2>&1; stat -c %t:%T /dev/xx; head -c 1 /dev/xx | wc -c; touch /logs/here", config =>
        {
            config.Mounts.Add(new Mount { ContainerPath = "/given", HostPath = engine.Space.Directory + "/given", Readonly = true });
            config.Mounts.Add(new Mount { ContainerPath = "/logs", HostPath = pod.Logs });
            config.Devices.Add(new Device { ContainerPath = "/dev/xx", HostPath = "/dev/full", Permissions = "rw" });
        });
        Assert.Equal("given\ntouch: /given: Read-only file system\n1:7\n1\n", output);
        Assert.True(File.Exists(pod.Logs + "/here"));
    }

    [Theory]
    [MemberData(nameof(Runtimes))]
    public void A_privileged_one_has_what_containerd_itself_has(string runtime)
    {
        using var pod = new Pod(engine, runtime, config =>
        {
            Pod.OnHostNetwork(config);
            config.Linux.SecurityContext.Privileged = true;
        });
        const string Script = "grep CapEff /proc/self/status; ";
        string own = engine.Space.Succeed(Script);
        Assert.Equal(own + "0\nrw\n", Output(pod, "all", Script + "mkdir /m; mount -t tmpfs none /m; echo $?; grep ' /sys sysfs' /proc/mounts | cut -d' ' -f4 | cut -d, -f1", context => context.Privileged = true));
    }

    private static string Output(Pod pod, string name, string script, Action<LinuxContainerSecurityContext> change)
        => pod.RunToEnd(name, script, config => change(config.Linux.SecurityContext)).Output;
}
