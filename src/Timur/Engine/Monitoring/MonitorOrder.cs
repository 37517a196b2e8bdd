using System.Text;
using Timur.Kernel.Launcher;
using Timur.State;

namespace Timur.Engine.Monitoring;

/// <summary>
/// Everything a monitor needs to run one container: sent by the process that prepared it as a memory file, with the descriptors beside it.
/// </summary>
public sealed record MonitorOrder
{
    public required ContainerId Id { get; init; }

    public required string Root { get; init; }

    public required string Run { get; init; }

    public required bool Tty { get; init; }

    public required bool Interactive { get; init; }

    /// <summary>Whoever sent the order stays attached.</summary>
    public required bool Attached { get; init; }

    public required bool KeepLog { get; init; }

    /// <summary>Bytes after which the log starts a new file; 0 is never.</summary>
    public required long LogMaximumSize { get; init; }

    public required int LogMaximumFiles { get; init; }

    public required ushort Rows { get; init; }

    public required ushort Columns { get; init; }

    /// <summary>Slots of the descriptors that come with the order, in order; after them the unified cgroup and the process namespace, if any, then what is only held.</summary>
    public required IReadOnlyList<Slot> Slots { get; init; }

    public required bool HasCgroup { get; init; }

    public required bool HasProcessNamespace { get; init; }

    /// <summary>Somebody has to ask it how it is (<see cref="HealthProcess"/>).</summary>
    public required bool HasHealth { get; init; }

    /// <summary>The state at launch.</summary>
    public required ContainerState State { get; init; }

    /// <summary><see cref="LaunchProgram.ToBytes"/>.</summary>
    public required ReadOnlyMemory<byte> Program { get; init; }

    public ReadOnlySpan<byte> ToBytes()
    {
        using var stream = new MemoryStream(Program.Length + 1024);
        using var writer = new BinaryWriter(stream, Encoding.UTF8);
        writer.Write(Id.Text);
        writer.Write(Root);
        writer.Write(Run);
        writer.Write(Tty);
        writer.Write(Interactive);
        writer.Write(Attached);
        writer.Write(KeepLog);
        writer.Write(LogMaximumSize);
        writer.Write(LogMaximumFiles);
        writer.Write(Rows);
        writer.Write(Columns);
        writer.Write(Slots.Count);
        foreach (Slot slot in Slots)
        {
            writer.Write((int)slot);
        }

        writer.Write(HasCgroup);
        writer.Write(HasProcessNamespace);
        writer.Write(HasHealth);
        byte[] state = State.ToBytes();
        writer.Write(state.Length);
        writer.Write(state);
        writer.Write(Program.Length);
        writer.Write(Program.Span);
        return stream.GetBuffer().AsSpan(0, (int)stream.Length);
    }

    public static MonitorOrder FromBytes(byte[] bytes)
    {
        using var reader = new BinaryReader(new MemoryStream(bytes), Encoding.UTF8);
        return new MonitorOrder
        {
            Id = ContainerId.Parse(reader.ReadString()),
            Root = reader.ReadString(),
            Run = reader.ReadString(),
            Tty = reader.ReadBoolean(),
            Interactive = reader.ReadBoolean(),
            Attached = reader.ReadBoolean(),
            KeepLog = reader.ReadBoolean(),
            LogMaximumSize = reader.ReadInt64(),
            LogMaximumFiles = reader.ReadInt32(),
            Rows = reader.ReadUInt16(),
            Columns = reader.ReadUInt16(),
            Slots = ReadSlots(reader),
            HasCgroup = reader.ReadBoolean(),
            HasProcessNamespace = reader.ReadBoolean(),
            HasHealth = reader.ReadBoolean(),
            State = ContainerState.FromBytes(reader.ReadBytes(reader.ReadInt32()), "order"),
            Program = Rest(bytes, reader),
        };
    }

    /// <summary>The last part, where it lies: it is most of the message.</summary>
    private static ReadOnlyMemory<byte> Rest(byte[] bytes, BinaryReader reader)
    {
        int length = reader.ReadInt32();
        return bytes.AsMemory((int)reader.BaseStream.Position, length);
    }

    private static Slot[] ReadSlots(BinaryReader reader)
    {
        var slots = new Slot[reader.ReadInt32()];
        for (int i = 0; i < slots.Length; i++)
        {
            slots[i] = (Slot)reader.ReadInt32();
        }

        return slots;
    }
}
