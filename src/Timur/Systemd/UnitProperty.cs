namespace Timur.Systemd;

/// <summary>A property of a unit (org.freedesktop.systemd1(5), systemd.resource-control(5)) as D-Bus carries it: a name and a value with its type.</summary>
internal sealed record UnitProperty(string Name, string Signature, Action<DBusWriter> Write)
{
    internal static UnitProperty Of(string name, bool value) => new(name, "b", writer => writer.Boolean(value));

    internal static UnitProperty Of(string name, ulong value) => new(name, "t", writer => writer.Unsigned(value));

    internal static UnitProperty Of(string name, uint value) => new(name, "u", writer => writer.Unsigned(value));

    internal static UnitProperty Of(string name, int value) => new(name, "i", writer => writer.Unsigned(unchecked((uint)value)));

    internal static UnitProperty Of(string name, string value) => new(name, "s", writer => writer.Text(value));

    internal static UnitProperty Of(string name, params IReadOnlyList<string> values) => new(name, "as", writer => writer.Array(4, () =>
    {
        foreach (string value in values)
        {
            writer.Text(value);
        }
    }));

    internal static UnitProperty Processes(params IReadOnlyList<int> pids) => new("PIDs", "au", writer => writer.Array(4, () =>
    {
        foreach (int pid in pids)
        {
            writer.Unsigned((uint)pid);
        }
    }));

    internal static UnitProperty Bytes(string name, byte[] bytes) => new(name, "ay", writer => writer.Array(1, () =>
    {
        foreach (byte value in bytes)
        {
            writer.Byte(value);
        }
    }));

    /// <summary>Device nodes and what may be done with them.</summary>
    internal static UnitProperty Pairs(string name, IReadOnlyList<(string First, string Second)> pairs) => new(name, "a(ss)", writer => writer.Array(8, () =>
    {
        foreach ((string first, string second) in pairs)
        {
            writer.Align(8);
            writer.Text(first);
            writer.Text(second);
        }
    }));

    internal static void WriteAll(DBusWriter writer, IReadOnlyList<UnitProperty> properties) => writer.Array(8, () =>
    {
        foreach (UnitProperty property in properties)
        {
            writer.Align(8);
            writer.Text(property.Name);
            writer.Signature(property.Signature);
            property.Write(writer);
        }
    });
}
