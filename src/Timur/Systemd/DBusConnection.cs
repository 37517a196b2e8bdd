using System.Text;
using Timur.Kernel;

namespace Timur.Systemd;

/// <summary>
/// A connection to systemd (org.freedesktop.systemd1(5)): its private socket, which needs no bus, or else the system bus. Only calls and signals, one after the
/// other.
/// </summary>
internal sealed class DBusConnection : IDisposable
{
    private const string PrivateSocket = "/run/systemd/private";
    private const string BusSocket = "/run/dbus/system_bus_socket";
    private const string Bus = "org.freedesktop.DBus";

    private readonly Fd _socket;
    private readonly Queue<DBusMessage> _signals = [];
    private uint _serial;

    private DBusConnection(Fd socket) => _socket = socket;

    /// <summary>Connects; where nobody answers it is a <see cref="Failure"/>.</summary>
    internal static DBusConnection Open()
    {
        if (Sockets.TryConnect(PrivateSocket, SocketKind.Stream, out _) is { } direct)
        {
            return Authenticated(direct);
        }

        Fd socket = Sockets.TryConnect(BusSocket, SocketKind.Stream, out Errno why)
            ?? throw new Failure($"systemd: {BusSocket}: {why.Describe().ToLowerInvariant()}", "systemd or its bus isn't running: set the engine's cgroup driver to cgroupfs", 1);
        DBusConnection connection = Authenticated(socket);
        connection.Call(Bus, "/org/freedesktop/DBus", Bus, "Hello");
        connection.Call(Bus, "/org/freedesktop/DBus", Bus, "AddMatch", "s", writer => writer.Text("type='signal',interface='org.freedesktop.systemd1.Manager',member='JobRemoved'"));
        return connection;
    }

    /// <summary>Calls a method and waits for its answer; an error is a <see cref="Failure"/> with systemd's words.</summary>
    internal DBusMessage Call(string destination, string path, string face, string member, string signature = "", Action<DBusWriter>? values = null)
    {
        var body = new DBusWriter();
        values?.Invoke(body);
        uint serial = ++_serial;
        Send(DBusMessage.Call(serial, destination, path, face, member, signature, body.ToBytes()));
        while (true)
        {
            DBusMessage message = Receive();
            if (message.Kind == DBusKind.Signal)
            {
                _signals.Enqueue(message);
            }
            else if (message.AnswerTo == serial)
            {
                return message.Kind == DBusKind.Answer ? message : throw Refusal(member, message);
            }
        }
    }

    /// <summary>The next signal; waits for it.</summary>
    internal DBusMessage NextSignal()
    {
        while (true)
        {
            if (_signals.TryDequeue(out DBusMessage? kept))
            {
                return kept;
            }

            DBusMessage message = Receive();
            if (message.Kind == DBusKind.Signal)
            {
                return message;
            }
        }
    }

    /// <summary>D-Bus specification, Authentication Protocol: who we are the kernel tells the other side.</summary>
    private static DBusConnection Authenticated(Fd socket)
    {
        var connection = new DBusConnection(socket);
        string user = Convert.ToHexString(Encoding.ASCII.GetBytes(Processes.EffectiveUser.ToString()));

        // BEGIN doesn't wait for the answer: systemd would leave a call that it reads together with BEGIN in its buffer, and wake up for it with the next one only.
        connection.Send(Encoding.ASCII.GetBytes($"\0AUTH EXTERNAL {user}\r\nBEGIN\r\n"));
        string line = "";
        while (!line.EndsWith('\n') && line.Length < 1024)
        {
            line += (char)connection.Read(1)[0];
        }

        if (!line.StartsWith("OK ", StringComparison.Ordinal))
        {
            connection.Dispose();
            throw new Failure($"systemd refuses this user: {line.Trim()}", "making scopes needs root", 1);
        }

        return connection;
    }

    private static Failure Refusal(string member, DBusMessage message)
        => new Failure($"systemd: {member}: {(message.Signature.StartsWith('s') ? new DBusReader(message.Body).Text() : message.ErrorName)}", exitCode: 1);

    private void Send(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            // A stream takes all of it unless the kernel is short of memory.
            if (!Sockets.TrySend(_socket, bytes, [], out Errno why))
            {
                throw new Failure($"systemd: {why.Describe().ToLowerInvariant()}", "its connection broke", 1);
            }

            bytes = [];
        }
    }

    private DBusMessage Receive()
    {
        byte[] prelude = Read(DBusMessage.PreludeSize);
        return DBusMessage.Parse([.. prelude, .. Read(DBusMessage.Rest(prelude))]);
    }

    private byte[] Read(int count)
    {
        byte[] bytes = new byte[count];
        for (int done = 0; done < count;)
        {
            int got = Sockets.TryReceive(_socket, bytes.AsSpan(done), [], out Errno why);
            done += got > 0 ? got : throw new Failure($"systemd: {(got == 0 ? "the connection was closed" : why.Describe().ToLowerInvariant())}", exitCode: 1);
        }

        return bytes;
    }

    public void Dispose() => _socket.Dispose();
}
