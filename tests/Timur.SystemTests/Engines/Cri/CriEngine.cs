using System.Net.Sockets;
using Grpc.Net.Client;
using Xunit;

namespace Timur.SystemTests.Engines.Cri;

/// <summary>containerd with its implementation of Kubernetes' interface, in a space of its own; it knows both runtimes, and pods choose one by its name.</summary>
[CollectionDefinition(nameof(CriEngine))]
public sealed class CriEngine : ICriNode, ICollectionFixture<CriEngine>, IDisposable
{
    internal const string Image = "registry.example/busybox:1";

    private readonly GrpcChannel _channel;
    private int _next;

    public CriEngine()
    {
        Space = new EngineSpace();
        _channel = GrpcChannel.ForAddress("http://containerd", new GrpcChannelOptions
        {
            HttpHandler = new SocketsHttpHandler
            {
                ConnectCallback = async (_, cancellation) =>
                {
                    var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                    await socket.ConnectAsync(new UnixDomainSocketEndPoint(Space.Directory + "/sock"), cancellation);
                    return new NetworkStream(socket, ownsSocket: true);
                },
            },
        });
        Client = new RuntimeService.RuntimeServiceClient(_channel);
        try
        {
            Prepare();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public static TheoryData<string> Runtimes { get; } = ["runc", "timur"];

    internal EngineSpace Space { get; }

    RuntimeService.RuntimeServiceClient ICriNode.Client => Client;

    internal RuntimeService.RuntimeServiceClient Client { get; }

    /// <summary>A name that no other pod has.</summary>
    string ICriNode.NewName() => $"pod{Interlocked.Increment(ref _next)}";

    string ICriNode.MakeLogs(string pod) => Directory.CreateDirectory($"{Space.Directory}/logs/{pod}").FullName;

    string[] ICriNode.ReadLines(string path) => File.ReadAllLines(path);

    /// <summary>Starts containerd, or starts it again.</summary>
    internal void Start()
    {
        Space.StartDaemon("containerd", "containerd -c $dir/config.toml & echo $! >$dir/pid; wait", "ctr -a $dir/sock plugins ls");
        ((ICriNode)this).AwaitAnswer();
    }

    /// <summary>Ends containerd and nothing else; containers stay with their shims.</summary>
    internal void Stop() => Space.Succeed("kill $(cat $dir/pid); for i in $(seq 300); do kill -0 $(cat $dir/pid) 2>/dev/null || exit 0; sleep 0.2; done; exit 1");

    public void Dispose()
    {
        _channel.Dispose();
        Space.Dispose();
    }

    private void Prepare()
    {
        File.WriteAllText(Space.Directory + "/config.toml", Configuration());
        Directory.CreateDirectory(Space.Directory + "/net.d");
        File.WriteAllText(Space.Directory + "/net.d/10-test.conflist", """
            {"cniVersion": "1.0.0", "name": "test", "plugins": [{"type": "bridge", "bridge": "cni0", "isGateway": true,
             "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.88.0.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}], "dataDir": "/run/leases"}}]}
            """);
        MakeImages();
        Start();
        Space.Succeed("ctr -a $dir/sock -n k8s.io images import $dir/images.tar");
    }

    /// <summary>No registry is asked: the images are made and packed by the program under test.</summary>
    private void MakeImages()
    {
        using var timur = new TimurCommand();
        string context = timur.Root + "/context";
        Directory.CreateDirectory(context);
        foreach ((string name, string command) in new[] { (Image, "CMD [\"sh\"]"), ("registry.example/pause:1", "CMD [\"sleep\", \"1000000\"]") })
        {
            File.WriteAllText(context + "/Dockerfile", $"FROM busybox\nRUN echo user:x:1000:1000::/home/user:/bin/sh >>/etc/passwd && mkdir -p /home/user\n{command}\n");
            Outcome built = timur.Run("build", "-q", "--network", "none", "-t", name, context);
            Assert.True(built.Code == 0, built.ToString());
        }

        Outcome saved = timur.Run("save", "-o", Space.Directory + "/images.tar", Image, "registry.example/pause:1");
        Assert.True(saved.Code == 0, saved.ToString());
    }

    private string Configuration() => $$"""
        version = 2
        root = "{{Space.Directory}}/root"
        state = "{{Space.Directory}}/state"
        [grpc]
          address = "{{Space.Directory}}/sock"
        [plugins."io.containerd.grpc.v1.cri"]
          sandbox_image = "registry.example/pause:1"
          restrict_oom_score_adj = true
          [plugins."io.containerd.grpc.v1.cri".cni]
            bin_dir = "{{(Directory.Exists("/usr/lib/cni") ? "/usr/lib/cni" : "/opt/cni/bin")}}"
            conf_dir = "{{Space.Directory}}/net.d"
        [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
          runtime_type = "io.containerd.runc.v2"
        {{Readme.Block("containerd.runtimes.timur]").Replace("/usr/local/bin/timur-runc", Space.Link, StringComparison.Ordinal)}}
        """;
}
