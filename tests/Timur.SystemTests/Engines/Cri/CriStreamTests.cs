using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using Timur.Kernel;
using Xunit;

namespace Timur.SystemTests.Engines.Cri;

/// <summary>Streams of commands and containers, as <c>kubectl exec</c> and <c>attach</c> have them: over a WebSocket whose first byte of a message names the stream.</summary>
[Collection(nameof(CriEngine))]
public sealed class CriStreamTests(CriEngine engine)
{
    private const byte Input = 0;
    private const byte Failure = 3;
    private const byte Size = 4;

    public static TheoryData<string> Runtimes => CriEngine.Runtimes;

    [Theory]
    [MemberData(nameof(Runtimes))]
    public async Task A_command_reads_and_writes_a_terminal_of_its_size(string runtime)
    {
        using var pod = new Pod(engine, runtime, Pod.OnHostNetwork);
        string id = pod.Start("one", "sleep 1000");
        string url = engine.Client.Exec(new ExecRequest { ContainerId = id, Cmd = { "sh", "-c", "tty; read line; until stty size 2>/dev/null | grep '33 111'; do sleep 0.1; done; echo got $line; exit 6" }, Tty = true, Stdin = true, Stdout = true }).Url;
        using ClientWebSocket socket = await Connect(url);
        await Send(socket, Size, """{"Width":111,"Height":33}""");
        string terminal = await ReadUntil(socket, "/dev/pts/0");
        await Send(socket, Input, "hello\n");
        string rest = await ReadToEnd(socket);
        Assert.Matches("/dev/pts/0", terminal);
        Assert.Contains("33 111", rest, StringComparison.Ordinal);
        Assert.Contains("got hello", rest, StringComparison.Ordinal);
        Assert.Contains("\"ExitCode\",\"message\":\"6\"", rest, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Runtimes))]
    public async Task A_command_without_terminal_has_three_streams(string runtime)
    {
        using var pod = new Pod(engine, runtime, Pod.OnHostNetwork);
        string id = pod.Start("one", "sleep 1000");
        string url = engine.Client.Exec(new ExecRequest { ContainerId = id, Cmd = { "sh", "-c", "read line; echo out $line; echo error >&2" }, Stdin = true, Stdout = true, Stderr = true }).Url;
        using ClientWebSocket socket = await Connect(url);
        await Send(socket, Input, "hello\n");
        string text = await ReadToEnd(socket);
        Assert.Contains("1out hello\n", text, StringComparison.Ordinal);
        Assert.Contains("2error\n", text, StringComparison.Ordinal);
        Assert.Contains("\"status\":\"Success\"", text, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Runtimes))]
    public async Task One_attaches_to_a_running_container(string runtime)
    {
        using var pod = new Pod(engine, runtime, Pod.OnHostNetwork);
        string id = pod.Start("one", "while read line; do echo \"got $line\"; done; sleep 1000", config => config.Stdin = true);
        string url = engine.Client.Attach(new AttachRequest { ContainerId = id, Stdin = true, Stdout = true, Stderr = true }).Url;
        using ClientWebSocket socket = await Connect(url);
        await Send(socket, Input, "hello\n");
        Assert.Contains("got hello", await ReadUntil(socket, "got hello"), StringComparison.Ordinal);
        Assert.True(SpinWait.SpinUntil(() => pod.LogOf("one") == "got hello\n", 60_000), "it isn't in the log");
    }

    /// <summary>containerd listens in its own network namespace: the connection is made on a thread that is there.</summary>
    private async Task<ClientWebSocket> Connect(string url)
    {
        var handler = new SocketsHttpHandler
        {
            ConnectCallback = (context, _) =>
            {
                Socket? socket = null;
                var thread = new Thread(() =>
                {
                    using Fd network = engine.Space.Network();
                    NetworkNamespaces.Enter(network);
                    socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                    socket.Connect(context.DnsEndPoint.Host, context.DnsEndPoint.Port);
                });
                thread.Start();
                thread.Join();
                return ValueTask.FromResult<Stream>(new NetworkStream(socket!, ownsSocket: true));
            },
        };
        using var invoker = new HttpMessageInvoker(handler);
        var connection = new ClientWebSocket();
        connection.Options.AddSubProtocol("v4.channel.k8s.io");
        await connection.ConnectAsync(new Uri(url.Replace("http:", "ws:", StringComparison.Ordinal)), invoker, Timeout());
        return connection;
    }

    private static CancellationToken Timeout() => new CancellationTokenSource(TimeSpan.FromMinutes(2)).Token;

    private static Task Send(ClientWebSocket socket, byte stream, string text)
        => socket.SendAsync((byte[])[stream, .. Encoding.UTF8.GetBytes(text)], WebSocketMessageType.Binary, endOfMessage: true, Timeout());

    private static Task<string> ReadToEnd(ClientWebSocket socket) => ReadUntil(socket, null);

    /// <summary>What came up to a text, or up to the command's result: each message after the digit of its stream.</summary>
    private static async Task<string> ReadUntil(ClientWebSocket socket, string? text)
    {
        var read = new StringBuilder();
        byte[] buffer = new byte[65_536];
        while (text is null || !read.ToString().Contains(text, StringComparison.Ordinal))
        {
            WebSocketReceiveResult message = await socket.ReceiveAsync(buffer, Timeout());
            if (message.MessageType == WebSocketMessageType.Close)
            {
                break;
            }

            if (message.Count > 1)
            {
                read.Append((char)('0' + buffer[0])).Append(Encoding.UTF8.GetString(buffer, 1, message.Count - 1));
            }

            if (message.Count > 1 && buffer[0] == Failure)
            {
                break;
            }
        }

        return read.ToString();
    }
}
