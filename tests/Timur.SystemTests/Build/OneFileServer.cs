using System.Net;
using System.Text;

namespace Timur.SystemTests.Build;

/// <summary>Answers every request on the loopback address with the same content.</summary>
internal sealed class OneFileServer : IDisposable
{
    private readonly HttpListener _listener = new();

    internal OneFileServer(string content)
    {
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
                await request.Response.OutputStream.WriteAsync(Encoding.UTF8.GetBytes(content));
                request.Response.Close();
            }
        });
    }

    internal string Address { get; private set; }

    public void Dispose() => _listener.Close();
}
