using System.Net.Sockets;
using Timur.Kernel;

namespace Timur.Build;

/// <summary>
/// A socket of a step's own that leads to the caller's ssh agent. An agent answers only root and its own user (SO_PEERCRED); whoever may connect to this one is up to
/// the owner and mode that RUN --mount=type=ssh gives it.
/// </summary>
internal sealed class AgentRelay : IDisposable
{
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly string _agent;

    /// <param name="path">Where the socket is made.</param>
    /// <param name="agent">The socket of the agent.</param>
    internal AgentRelay(string path, string agent, uint mode, uint user, uint group)
    {
        _agent = agent;
        _listener.Bind(new UnixDomainSocketEndPoint(path));
        Files.Chown(path, user, group);
        Files.Chmod(path, mode);
        _listener.Listen();
        _ = Task.Run(AcceptAsync);
    }

    public void Dispose() => _listener.Dispose();

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _ = ServeAsync(await _listener.AcceptAsync());
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The command is over.
        }
    }

    private async Task ServeAsync(Socket client)
    {
        using Socket near = client;
        using var far = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await far.ConnectAsync(new UnixDomainSocketEndPoint(_agent));
            await Task.WhenAll(PassAsync(near, far), PassAsync(far, near));
        }
        catch (SocketException)
        {
            // Whoever asks sees that nobody answers.
        }
    }

    private static async Task PassAsync(Socket from, Socket to)
    {
        byte[] buffer = new byte[16 * 1024];
        int count;
        while ((count = await from.ReceiveAsync(buffer)) > 0)
        {
            for (int sent = 0; sent < count;)
            {
                sent += await to.SendAsync(buffer.AsMemory(sent, count - sent));
            }
        }

        to.Shutdown(SocketShutdown.Send);
    }
}
