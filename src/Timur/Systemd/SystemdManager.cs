using Timur.Kernel;

namespace Timur.Systemd;

/// <summary>Transient units of systemd's (org.freedesktop.systemd1(5), Manager), each call until systemd says that it is done.</summary>
internal sealed class SystemdManager : IDisposable
{
    private const string Destination = "org.freedesktop.systemd1";
    private const string Path = "/org/freedesktop/systemd1";
    private const string Face = "org.freedesktop.systemd1.Manager";

    private readonly DBusConnection _connection;

    private SystemdManager(DBusConnection connection) => _connection = connection;

    /// <summary>As sd_booted(3) asks.</summary>
    internal static bool IsRunning => Files.Exists("/run/systemd/system");

    internal static SystemdManager Open()
    {
        if (!IsRunning)
        {
            throw new Failure("systemd cgroup flag passed, but systemd support for managing cgroups is not available", "systemd isn't running here: set the engine's cgroup driver to cgroupfs", 1);
        }

        var manager = new SystemdManager(DBusConnection.Open());
        manager.Call("Subscribe", "", null);
        return manager;
    }

    internal void Start(string unit, IReadOnlyList<UnitProperty> properties) => Await(unit, Call("StartTransientUnit", "ssa(sv)a(sa(sv))", writer =>
    {
        writer.Text(unit);
        writer.Text("replace");
        UnitProperty.WriteAll(writer, properties);
        writer.Array(8, () => { });
    }));

    /// <summary>Ends and forgets a unit; one that isn't there is fine.</summary>
    internal void Stop(string unit)
    {
        try
        {
            Await(unit, Call("StopUnit", "ss", writer =>
            {
                writer.Text(unit);
                writer.Text("replace");
            }));
        }
        catch (Failure e) when (IsUnknown(e))
        {
            return;
        }

        try
        {
            // A scope whose processes were killed for lack of memory stays as failed.
            Call("ResetFailedUnit", "s", writer => writer.Text(unit));
        }
        catch (Failure e) when (IsUnknown(e))
        {
            // It went with its processes.
        }
    }

    /// <summary>The number before its version's first dot; 0 when it says none.</summary>
    internal int Version
    {
        get
        {
            var reader = new DBusReader(_connection.Call(Destination, Path, "org.freedesktop.DBus.Properties", "Get", "ss", writer =>
            {
                writer.Text(Face);
                writer.Text("Version");
            }).Body);
            reader.Signature();
            return int.TryParse(reader.Text().TrimStart('v').TakeWhile(char.IsAsciiDigit).ToArray(), out int version) ? version : 0;
        }
    }

    /// <summary>Until the next boot.</summary>
    internal void Set(string unit, IReadOnlyList<UnitProperty> properties) => Call("SetUnitProperties", "sba(sv)", writer =>
    {
        writer.Text(unit);
        writer.Boolean(true);
        UnitProperty.WriteAll(writer, properties);
    });

    private static bool IsUnknown(Failure failure) => failure.Message.Contains("not loaded", StringComparison.Ordinal) || failure.Message.Contains("not found", StringComparison.Ordinal);

    private DBusMessage Call(string member, string signature, Action<DBusWriter>? values) => _connection.Call(Destination, Path, Face, member, signature, values);

    /// <summary>Waits for the end of the job that a call has queued: <c>JobRemoved(id, job, unit, result)</c>.</summary>
    private void Await(string unit, DBusMessage queued)
    {
        string job = new DBusReader(queued.Body).Text();
        while (true)
        {
            DBusMessage signal = _connection.NextSignal();
            if (signal.Member != "JobRemoved")
            {
                continue;
            }

            var reader = new DBusReader(signal.Body);
            reader.Unsigned();
            if (reader.Text() != job)
            {
                continue;
            }

            reader.Text();
            string result = reader.Text();
            if (result is not ("done" or "skipped"))
            {
                throw new Failure($"systemd: unit {unit}: {result}", $"journalctl -u {unit} tells more", 1);
            }

            return;
        }
    }

    public void Dispose() => _connection.Dispose();
}
