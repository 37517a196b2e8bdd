using System.Net.Sockets;
using Grpc.Net.Client;
using Xunit;

namespace Timur.SystemTests.Engines.Cri;

/// <summary>containerd as a service of systemd's in the virtual machine, with <c>SystemdCgroup = true</c>. It is spoken to through the machine's port for it (Guest/bridge.sh).</summary>
internal sealed class GuestNode : ICriNode, IDisposable
{
    private readonly VirtualMachine _machine;
    private readonly GuestSystem _system;
    private GrpcChannel _channel;
    private int _next;

    internal GuestNode(VirtualMachine machine)
    {
        _machine = machine;
        _system = new GuestSystem(machine);
        _system.Drive(GuestSystem.Script("cri"));
        _channel = Connect();
        Client = new RuntimeService.RuntimeServiceClient(_channel);
    }

    public RuntimeService.RuntimeServiceClient Client { get; private set; }

    public string NewName() => $"pod{++_next}";

    public string MakeLogs(string pod) => Say($"mkdir -p /var/log/pods/{pod}; echo /var/log/pods/{pod}").TrimEnd();

    public string[] ReadLines(string path) => Say($"cat {path}").Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>What a script among systemd's processes says on both streams; Guest/common.sh has the words for units and cgroups.</summary>
    internal string Say(string script) => _system.Shell(script).Out;

    /// <summary>Ends containerd and starts it again, as systemd does; containers stay with their shims.</summary>
    internal void Restart()
    {
        Say("systemctl restart containerd");
        _channel.Dispose();
        _channel = Connect();
        Client = new RuntimeService.RuntimeServiceClient(_channel);
        ((ICriNode)this).AwaitAnswer();
    }

    public void Dispose()
    {
        _channel.Dispose();
        _system.Dispose();
    }

    private GrpcChannel Connect() => GrpcChannel.ForAddress("http://containerd", new GrpcChannelOptions
    {
        // The port takes the next connection when the last one is closed.
        DisposeHttpClient = true,
        HttpHandler = new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellation) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(_machine.EnginePort), cancellation);
                Outcome bridged = _machine.Shell(GuestSystem.Script("bridge"));
                Assert.True(bridged.Code == 0, bridged.ToString());
                return new NetworkStream(socket, ownsSocket: true);
            },
        },
    });
}
