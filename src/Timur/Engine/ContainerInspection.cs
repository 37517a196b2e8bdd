using Timur.Images;
using Timur.Storage;
using Timur.Templates;

namespace Timur.Engine;

/// <summary>Everything known about a container, with Docker's names.</summary>
public static class ContainerInspection
{
    public static TemplateObject Describe(ContainerStore store, Container container)
    {
        ContainerState state = container.State;
        RunOptions options = container.Options;
        string directory = store.Paths.Container(container.Id);
        Image? image = container.Record.ImageId.Length == 0 ? null : ImageStore.Open(store.Paths).TryResolve(container.Record.ImageId);
        return new TemplateObject()
            .Add("Id", container.Id.Text)
            .Add("Name", "/" + container.Name)
            .Add("Created", container.Record.Created.UtcDateTime.ToString("O"))
            .Add("Path", container.Record.Command[0])
            .Add("Args", container.Record.Command.Skip(1).Cast<object?>().ToList())
            .Add("State", new TemplateObject()
                .Add("Status", ContainerView.StateWord(state))
                .Add("Running", state.IsAlive)
                .Add("Paused", state.Status == ContainerStatus.Paused)
                .Add("Restarting", state.Status == ContainerStatus.Restarting)
                .Add("OOMKilled", state.OomKilled)
                .Add("Pid", state.Pid)
                .Add("MonitorPid", state.IsAlive ? state.MonitorPid : 0)
                .Add("ExitCode", state.ExitCode)
                .Add("Error", state.Error)
                .Add("StartedAt", Time(state.Started))
                .Add("FinishedAt", Time(state.Finished))
                .Add("Health", () => HealthRecord.TryRead(store.Paths, container.Id)?.Describe()))
            .Add("Image", container.Record.ImageId.Length == 0 ? "" : "sha256:" + container.Record.ImageId)
            .Add("RestartCount", state.RestartCount)
            .Add("LogPath", directory + "/log")
            .Add("Driver", options.Text("disk") is not null ? "disk" : options.Text("rootfs") is not null ? "dir" : "overlay")
            .Add("Config", Config(container, options, image))
            .Add("HostConfig", HostConfig(store, container, options))
            .Add("Mounts", Mounts(store, container, image))
            .Add("NetworkSettings", new TemplateObject()
                .Add("IPAddress", state.Address)
                .Add("GlobalIPv6Address", state.Address6)
                .Add("Gateway", state.Gateway)
                .Add("MacAddress", state.MacAddress)
                .Add("Ports", state.Ports));
    }

    private static TemplateObject Config(Container container, RunOptions options, Image? image) => new TemplateObject()
        .Add("Hostname", options.Text("hostname") ?? container.Id.Short)
        .Add("User", options.Text("user") ?? image?.Config.User ?? "")
        .Add("Tty", options.Tty)
        .Add("OpenStdin", options.Interactive)
        .Add("Env", SpecBuilder.OwnVariables(options, image).Cast<object?>().ToList())
        .Add("Cmd", container.Record.Command.Cast<object?>().ToList())
        .Add("Image", container.Record.Image)
        .Add("WorkingDir", options.Text("workdir") ?? image?.Config.WorkingDir ?? "")
        .Add("Labels", container.Record.Labels)
        .Add("StopSignal", options.Text("stop-signal") ?? image?.Config.StopSignal ?? "SIGTERM")
        .Add("ExposedPorts", (image?.Config.ExposedPorts ?? []).Cast<object?>().ToList())
        .Add("Healthcheck", HealthPlan.Of(options, image) is not { } plan ? null : new TemplateObject()
            .Add("Test", plan.Command.Prepend("CMD").Cast<object?>().ToList())
            .Add("Interval", plan.Interval.Ticks * 100)
            .Add("Timeout", plan.Timeout.Ticks * 100)
            .Add("StartPeriod", plan.StartPeriod.Ticks * 100)
            .Add("StartInterval", plan.StartInterval.Ticks * 100)
            .Add("Retries", plan.Retries));

    private static TemplateObject HostConfig(ContainerStore store, Container container, RunOptions options) => new TemplateObject()
        .Add("Memory", options.Size("memory") ?? 0L)
        .Add("MemorySwap", options.Size("memory-swap") ?? 0L)
        .Add("NanoCpus", (long)(double.Parse(options.Text("cpus") ?? "0") * 1e9))
        .Add("CpuShares", options.Number("cpu-shares") ?? 0L)
        .Add("CpusetCpus", options.Text("cpuset-cpus") ?? "")
        .Add("PidsLimit", options.Number("pids-limit"))
        .Add("NetworkMode", options.Text("network") ?? "bridge")
        .Add("PidMode", options.Text("pid") ?? "")
        .Add("IpcMode", options.Text("ipc") ?? "private")
        .Add("Privileged", options.Privileged)
        .Add("ReadonlyRootfs", options.Has("read-only"))
        .Add("AutoRemove", options.RemoveAtEnd)
        .Add("RestartPolicy", new TemplateObject().Add("Name", options.Text("restart") ?? "no"))
        .Add("CapAdd", options.Texts("cap-add").Cast<object?>().ToList())
        .Add("CapDrop", options.Texts("cap-drop").Cast<object?>().ToList())
        .Add("CgroupPath", ContainerCgroup.Path(store.Paths, options, container.Id));

    private static List<object?> Mounts(ContainerStore store, Container container, Image? image)
    {
        var volumes = new VolumeStore(store.Paths);
        return [.. WantedMount.Of(container.Options, image, container.Id).Where(mount => mount.Kind != WantedKind.Tmpfs).Select(mount =>
        {
            bool isVolume = mount.Kind == WantedKind.Volume;
            return new TemplateObject()
                .Add("Type", isVolume ? "volume" : "bind")
                .Add("Name", isVolume ? mount.Source : "")
                .Add("Source", isVolume ? volumes.DataOf(mount.Source) : mount.Source)
                .Add("Destination", mount.Destination)
                .Add("Driver", isVolume ? "local" : "")
                .Add("Mode", string.Join(',', mount.Options))
                .Add("RW", !mount.Options.Contains("ro") && !mount.Options.Contains("rro"));
        })];
    }

    private static string Time(long milliseconds)
        => milliseconds == 0 ? "0001-01-01T00:00:00Z" : DateTimeOffset.FromUnixTimeMilliseconds(milliseconds).UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'");
}
