using System.Collections.Concurrent;
using System.Net;
using System.Text;

namespace Timur.SystemTests.Build;

/// <summary>Answers every request on the loopback address with the same content, and one that knows its tag with 304.</summary>
internal sealed class OneFileServer : IDisposable
{
    private readonly HttpListener _listener = new();

    /// <param name="tag">The header ETag; null for none.</param>
    internal OneFileServer(string content, string? tag = null)
    {
        (Content, Tag) = (content, tag);
        for (int port = 42000; ; port++)
        {
            try
            {
                Address = $"http://127.0.0.1:{port}";
                _listener.Prefixes.Clear();
                _listener.Prefixes.Add(Address + "/");
                _listener.Start();
                break;
            }
            catch (HttpListenerException) when (port < 42100)
            {
            }
        }

        _ = Task.Run(async () =>
        {
            while (_listener.IsListening)
            {
                HttpListenerContext request = await _listener.GetContextAsync();
                bool isKnown = Tag is not null && request.Request.Headers["If-None-Match"] == Tag;
                request.Response.StatusCode = isKnown ? 304 : 200;
                Answers.Enqueue(request.Response.StatusCode);
                if (Tag is not null)
                {
                    request.Response.Headers["ETag"] = Tag;
                }

                if (!isKnown)
                {
                    await request.Response.OutputStream.WriteAsync(Encoding.UTF8.GetBytes(Content));
                }

                request.Response.Close();
            }
        });
    }

    internal string Address { get; private set; }

    internal string Content { get; set; }

    internal string? Tag { get; set; }

    /// <summary>Status codes so far.</summary>
    internal ConcurrentQueue<int> Answers { get; } = [];

    public void Dispose() => _listener.Close();
}
