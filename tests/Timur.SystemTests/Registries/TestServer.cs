using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Timur.SystemTests.Registries;

/// <summary>A request as it came over the wire.</summary>
internal sealed record TestRequest(string Method, string Target, IReadOnlyDictionary<string, string> Headers, byte[] Body)
{
    internal string? this[string header] => Headers.GetValueOrDefault(header.ToLowerInvariant());

    /// <summary>Reading a layer or a configuration.</summary>
    internal bool IsBlob => Method == "GET" && Target.Contains("/blobs/sha", StringComparison.Ordinal);
}

/// <summary>An answer, and how it is spoilt.</summary>
/// <param name="CutAfter">The connection ends after so many bytes of the body.</param>
/// <param name="Hang">The connection stays open and silent there instead.</param>
/// <param name="Raw">Writes something else than all of that.</param>
internal sealed record TestAnswer(int Status, byte[] Body, IReadOnlyList<(string Name, string Value)> Headers, int? CutAfter = null, bool Hang = false, Action<Stream>? Raw = null)
{
    internal static TestAnswer Plain(int status, string body = "", params (string, string)[] headers) => new(status, Encoding.UTF8.GetBytes(body), headers);
}

/// <summary>A server on loopback that speaks just enough HTTP/1.1, each connection for one request, and remembers what it was asked.</summary>
internal sealed class TestServer : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Func<TestRequest, TestAnswer> _answer;
    private readonly List<TestRequest> _requests = [];
    private readonly CancellationTokenSource _stop = new();

    internal TestServer(Func<TestRequest, TestAnswer> answer)
    {
        _answer = answer;
        _listener.Start();
        new Thread(Accept) { IsBackground = true }.Start();
    }

    internal int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    internal string Host => $"127.0.0.1:{Port}";

    /// <summary>Requests so far, in their order.</summary>
    internal List<TestRequest> Requests
    {
        get
        {
            lock (_requests)
            {
                return [.. _requests];
            }
        }
    }

    internal void Forget()
    {
        lock (_requests)
        {
            _requests.Clear();
        }
    }

    public void Dispose()
    {
        _stop.Cancel();
        _listener.Stop();
    }

    private void Accept()
    {
        try
        {
            while (true)
            {
                Socket socket = _listener.AcceptSocket();
                new Thread(() => Serve(socket)) { IsBackground = true }.Start();
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or InvalidOperationException)
        {
        }
    }

    private void Serve(Socket socket)
    {
        using (socket)
        {
            try
            {
                using var stream = new NetworkStream(socket);
                if (Read(stream) is { } request)
                {
                    lock (_requests)
                    {
                        _requests.Add(request);
                    }

                    Write(stream, request, _answer(request));
                }
            }
            catch (Exception e) when (e is IOException or SocketException)
            {
            }
        }
    }

    private static TestRequest? Read(NetworkStream stream)
    {
        var head = new List<byte>();
        while (head.Count < 4 || !head.TakeLast(4).SequenceEqual("\r\n\r\n"u8.ToArray()))
        {
            int next = stream.ReadByte();
            if (next < 0)
            {
                return null;
            }

            head.Add((byte)next);
            if (head[0] == 0x16)
            {
                // TLS, which isn't spoken here.
                return null;
            }
        }

        string[] lines = Encoding.ASCII.GetString([.. head]).Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        var headers = lines.Skip(1).Select(line => line.Split(':', 2)).GroupBy(pair => pair[0].ToLowerInvariant()).ToDictionary(group => group.Key, group => string.Join(", ", group.Select(pair => pair[1].Trim())));
        byte[] body = new byte[headers.TryGetValue("content-length", out string? length) ? int.Parse(length) : 0];
        stream.ReadExactly(body);
        string[] words = lines[0].Split(' ');
        return new TestRequest(words[0], words[1], headers, body);
    }

    private void Write(NetworkStream stream, TestRequest request, TestAnswer answer)
    {
        if (answer.Raw is not null)
        {
            answer.Raw(stream);
            return;
        }

        var head = new StringBuilder($"HTTP/1.1 {answer.Status} Status\r\nConnection: close\r\n");
        foreach ((string name, string value) in answer.Headers)
        {
            head.Append($"{name}: {value}\r\n");
        }

        if (!answer.Headers.Any(header => header.Name.Equals("content-length", StringComparison.OrdinalIgnoreCase)))
        {
            head.Append($"Content-Length: {answer.Body.Length}\r\n");
        }

        stream.Write(Encoding.ASCII.GetBytes(head + "\r\n"));
        if (request.Method != "HEAD")
        {
            stream.Write(answer.Body.AsSpan(0, Math.Min(answer.Body.Length, answer.CutAfter ?? int.MaxValue)));
        }

        if (answer.Hang)
        {
            _stop.Token.WaitHandle.WaitOne();
        }
    }
}
