using Grpc.Core;

namespace Timur.SystemTests.Engines.Cri;

/// <summary>A pod and its containers, asked for as a kubelet does. Disposing removes it.</summary>
internal sealed class Pod : IDisposable
{
    private readonly ICriNode _node;
    private readonly PodSandboxConfig _config;

    internal Pod(ICriNode node, string runtime, Action<PodSandboxConfig>? change = null)
    {
        _node = node;
        string name = node.NewName();
        Logs = node.MakeLogs(name);
        _config = new PodSandboxConfig
        {
            Metadata = new PodSandboxMetadata { Name = name, Uid = name, Namespace = "test" },
            Hostname = name,
            LogDirectory = Logs,
            Linux = new LinuxPodSandboxConfig { CgroupParent = "/kubepods/" + name, SecurityContext = new LinuxSandboxSecurityContext { NamespaceOptions = new NamespaceOption { Pid = NamespaceMode.Container } } },
        };
        change?.Invoke(_config);
        Id = Client.RunPodSandbox(new RunPodSandboxRequest { Config = _config, RuntimeHandler = runtime }).PodSandboxId;
    }

    internal static Action<PodSandboxConfig> OnHostNetwork { get; } = config =>
    {
        config.Linux.SecurityContext.NamespaceOptions.Network = NamespaceMode.Node;
        config.Hostname = "";
    };

    internal string Id { get; }

    internal string Name => _config.Metadata.Name;

    internal string Logs { get; }

    internal PodSandboxStatus Status => Client.PodSandboxStatus(new PodSandboxRequest { PodSandboxId = Id }).Status;

    private RuntimeService.RuntimeServiceClient Client => _node.Client;

    /// <summary>Creates a container that executes a shell script; its id.</summary>
    internal string Create(string name, string script, Action<ContainerConfig>? change = null)
    {
        var config = new ContainerConfig
        {
            Metadata = new ContainerMetadata { Name = name },
            Image = new ImageSpec { Image = CriEngine.Image },
            Command = { "sh", "-c" },
            Args = { script },
            LogPath = name + ".log",
            Linux = new LinuxContainerConfig
            {
                Resources = new LinuxContainerResources(),
                SecurityContext = new LinuxContainerSecurityContext { NamespaceOptions = _config.Linux.SecurityContext.NamespaceOptions.Clone(), Capabilities = new Capability() },
            },
        };
        change?.Invoke(config);
        return Client.CreateContainer(new CreateContainerRequest { PodSandboxId = Id, Config = config, SandboxConfig = _config }).ContainerId;
    }

    internal string Start(string name, string script, Action<ContainerConfig>? change = null)
    {
        string id = Create(name, script, change);
        Client.StartContainer(new ContainerRequest { ContainerId = id });
        return id;
    }

    /// <summary>Runs a container to its end; its log's text and how it ended.</summary>
    internal (string Output, ContainerStatus Status) RunToEnd(string name, string script, Action<ContainerConfig>? change = null)
    {
        ContainerStatus status = AwaitEnd(Start(name, script, change));
        return (LogOf(name), status);
    }

    internal ContainerStatus StatusOf(string id) => Client.ContainerStatus(new ContainerRequest { ContainerId = id }).Status;

    internal ContainerStatus AwaitEnd(string id)
    {
        SpinWait.SpinUntil(() => StatusOf(id).State == ContainerState.ContainerExited, 120_000);
        return StatusOf(id);
    }

    /// <summary>Lines of a log without their time, as <c>stream tag text</c>.</summary>
    internal string[] LogLines(string name) => [.. _node.ReadLines($"{Logs}/{name}.log").Select(line => line[(line.IndexOf(' ', StringComparison.Ordinal) + 1)..])];

    internal string LogOf(string name) => string.Concat(LogLines(name).Select(line => line.Split(' ', 3)[2] + "\n"));

    internal Outcome Exec(string id, string script, int timeout = 0)
    {
        ExecSyncResponse answer = Client.ExecSync(new ExecSyncRequest { ContainerId = id, Cmd = { "sh", "-c", script }, Timeout = timeout });
        return new Outcome(answer.ExitCode, answer.Stdout.ToStringUtf8(), answer.Stderr.ToStringUtf8());
    }

    /// <summary>Ends a container; its status after that.</summary>
    internal ContainerStatus Stop(string id, int seconds)
    {
        Client.StopContainer(new StopContainerRequest { ContainerId = id, Timeout = seconds });
        return AwaitEnd(id);
    }

    internal void Remove(string id) => Client.RemoveContainer(new ContainerRequest { ContainerId = id });

    internal void StopAll() => Client.StopPodSandbox(new PodSandboxRequest { PodSandboxId = Id });

    public void Dispose()
    {
        try
        {
            StopAll();
            Client.RemovePodSandbox(new PodSandboxRequest { PodSandboxId = Id });
        }
        catch (RpcException e)
        {
            // The space's end ends it; a test that failed is to say why it failed.
            Console.Error.WriteLine($"the pod {Name} stays: {e.Status.Detail}");
        }
    }
}
