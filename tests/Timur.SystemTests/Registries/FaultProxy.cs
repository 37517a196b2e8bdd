namespace Timur.SystemTests.Registries;

/// <summary>Stands before a registry and spoils what the test wants spoilt.</summary>
internal sealed class FaultProxy : IDisposable
{
    private static readonly HashSet<string> Hop = new(StringComparer.OrdinalIgnoreCase) { "connection", "transfer-encoding", "content-length", "keep-alive", "host", "expect" };
    private readonly HttpClient _client = new(new SocketsHttpHandler { AllowAutoRedirect = false });
    private readonly string _upstream;
    private readonly TestServer _server;

    internal FaultProxy(string upstream)
    {
        _upstream = upstream;
        _server = new TestServer(Answer);
    }

    internal string Host => _server.Host;

    internal List<TestRequest> Requests => _server.Requests;

    /// <summary>Answers instead of the registry; null passes the request on.</summary>
    internal Func<TestRequest, TestAnswer?> Instead { get; set; } = _ => null;

    /// <summary>Changes the registry's answer.</summary>
    internal Func<TestRequest, TestAnswer, TestAnswer> Spoil { get; set; } = (_, answer) => answer;

    internal void Forget() => _server.Forget();

    public void Dispose()
    {
        _server.Dispose();
        _client.Dispose();
    }

    private TestAnswer Answer(TestRequest request) => Instead(request) ?? Spoil(request, Forward(request));

    private TestAnswer Forward(TestRequest request)
    {
        using var message = new HttpRequestMessage(new HttpMethod(request.Method), $"http://{_upstream}{request.Target}");
        if (request.Method is "POST" or "PUT" or "PATCH")
        {
            message.Content = new ByteArrayContent(request.Body);
        }

        foreach ((string name, string value) in request.Headers.Where(header => !Hop.Contains(header.Key)))
        {
            if (!message.Headers.TryAddWithoutValidation(name, value))
            {
                message.Content?.Headers.TryAddWithoutValidation(name, value);
            }
        }

        message.Headers.Host = Host;
        using HttpResponseMessage response = _client.Send(message);
        using var body = new MemoryStream();
        response.Content.ReadAsStream().CopyTo(body);
        IEnumerable<(string, string)> headers = response.Headers.Concat(response.Content.Headers).Where(header => !Hop.Contains(header.Key) || (header.Key == "Content-Length" && request.Method == "HEAD"))
            .Select(header => (header.Key, string.Join(", ", header.Value)));
        return new TestAnswer((int)response.StatusCode, body.ToArray(), [.. headers]);
    }
}
