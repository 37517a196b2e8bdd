using System.Buffers.Binary;
using System.Text;

namespace Timur.Kernel.Launcher;

/// <summary>
/// A launch program under construction: a list of operations, the bytes they point to, and a name for each operation. Safe code builds it in the
/// parent; <see cref="ToBytes"/> makes it a message that another process can load and run. Addresses are offsets until it is loaded.
/// </summary>
public sealed class LaunchProgram
{
    internal const int SlotCount = 1000;

    /// <summary>Tells the launching process that a sibling goes on (<see cref="Pseudo.CloneAgain"/>).</summary>
    internal const char SiblingLetter = 'i';

    private readonly List<Op> _ops = new(160);
    private readonly List<string> _names = new(160);
    private readonly List<int> _relocations = [];
    private byte[] _text = new byte[8192];
    private int _textLength;
    private int _nextSlot = (int)Slot.Local;

    /// <summary>Namespaces and other flags of the clone that runs this program.</summary>
    public CloneFlags Flags { get; set; }

    /// <summary>The parent has to answer, or the child waits for somebody else: the parent can't be suspended meanwhile.</summary>
    public bool NeedsParent { get; set; }

    /// <summary>What <see cref="Slot.Image"/> has to be made of (<see cref="PayloadImage.Make"/>); null when the payload is executed directly.</summary>
    public byte[]? Image { get; internal set; }

    /// <summary>The limit on descriptors that the payload gets back; null when it wasn't raised (<see cref="ProcessOps.RaiseFileLimit"/>).</summary>
    internal (ulong Soft, ulong Hard)? FilesBefore { get; set; }

    /// <summary>How many operations there are.</summary>
    public int Count => _ops.Count;

    /// <summary>What the operation with this number does, as shown by <c>--explain</c> and in errors.</summary>
    public string NameOf(int operation) => _names[operation];

    /// <summary>The operation that follows the success of this one: a later one than the next where those between are for its failure.</summary>
    public int AfterSuccessOf(int operation) => operation + 1 + _ops[operation].SkipOnSuccess;

    /// <summary>All names in order.</summary>
    public IReadOnlyList<string> Names => _names;

    /// <summary>A slot for a descriptor that later operations use.</summary>
    public Arg NewSlot()
        => _nextSlot < SlotCount ? Arg.FromSlot(_nextSlot++) : throw new InvalidOperationException("the launch program is out of slots");

    /// <summary>Marks the place to which <see cref="ReleaseSlots"/> returns: slots used after it may be used again.</summary>
    public int MarkSlots() => _nextSlot;

    /// <summary>Slots given out since the mark are free again. Their descriptors stay open until execve closes them.</summary>
    public void ReleaseSlots(int mark) => _nextSlot = mark;

    /// <summary>Puts a zero-terminated UTF-8 string into the text.</summary>
    internal Arg Text(string text)
    {
        int length = Encoding.UTF8.GetByteCount(text);
        int offset = Reserve(length + 1, 1);
        Encoding.UTF8.GetBytes(text, _text.AsSpan(offset));
        return Arg.FromText(offset);
    }

    /// <summary>Puts bytes into the text, aligned to eight.</summary>
    internal Arg Bytes(ReadOnlySpan<byte> bytes)
    {
        int offset = Reserve(bytes.Length, 8);
        bytes.CopyTo(_text.AsSpan(offset));
        return Arg.FromText(offset);
    }

    /// <summary>A null-terminated array of strings, as execve(2) takes it.</summary>
    internal Arg TextArray(IReadOnlyList<string> texts)
    {
        int array = Reserve((texts.Count + 1) * 8, 8);
        for (int i = 0; i < texts.Count; i++)
        {
            PutPointer(array + (i * 8), (int)Text(texts[i]).Value);
        }

        return Arg.FromText(array);
    }

    /// <summary>Two or more words of which some are offsets into the text, such as struct sock_fprog.</summary>
    internal Arg Words(ReadOnlySpan<Arg> words)
    {
        int start = Reserve(words.Length * 8, 8);
        for (int i = 0; i < words.Length; i++)
        {
            if (words[i].Kind == ArgKind.Text)
            {
                PutPointer(start + (i * 8), (int)words[i].Value);
            }
            else
            {
                BinaryPrimitives.WriteInt64LittleEndian(_text.AsSpan(start + (i * 8)), words[i].Value);
            }
        }

        return Arg.FromText(start);
    }

    /// <summary>Appends a system call or pseudo-operation; the handle changes how its result is treated.</summary>
    internal OpHandle Add(string name, int number, params ReadOnlySpan<Arg> arguments)
    {
        var op = new Op { Number = (short)number, Save = -1 };
        for (int i = 0; i < arguments.Length; i++)
        {
            Arg argument = arguments[i];
            op.PointerMask |= (byte)(argument.Kind == ArgKind.Text ? 1 << i : 0);
            op.SlotMask |= (byte)(argument.Kind == ArgKind.Slot ? 1 << i : 0);
            unsafe
            {
                op.Arguments[i] = argument.Value;
            }
        }

        NeedsParent |= number is Pseudo.Sync or Pseudo.SyncSlot or Pseudo.Reap or Pseudo.CloneAgain;
        _ops.Add(op);
        _names.Add(name);
        return new OpHandle(this, _ops.Count - 1);
    }

    /// <summary>The operation added last.</summary>
    internal OpHandle Last => new(this, _ops.Count - 1);

    /// <summary>After success of an earlier operation, goes on at the operation that will be added next.</summary>
    internal void JumpOver(int operation) => new OpHandle(this, operation).OnSuccessContinueHere();

    internal Op this[int operation]
    {
        get => _ops[operation];
        set => _ops[operation] = value;
    }

    /// <summary>
    /// The program as a message: header (operations, text length, relocations, flags), operations, text, relocations. Names are not part of it: the
    /// process that compiled it keeps them for errors.
    /// </summary>
    public unsafe byte[] ToBytes()
    {
        int opBytes = _ops.Count * sizeof(Op);
        int textBytes = (_textLength + 7) & ~7;
        byte[] message = new byte[LoadedProgram.HeaderSize + opBytes + textBytes + (_relocations.Count * 4)];
        Span<byte> rest = message;
        BinaryPrimitives.WriteInt32LittleEndian(rest, _ops.Count);
        BinaryPrimitives.WriteInt32LittleEndian(rest[4..], textBytes);
        BinaryPrimitives.WriteInt32LittleEndian(rest[8..], _relocations.Count);
        BinaryPrimitives.WriteInt32LittleEndian(rest[12..], NeedsParent ? 1 : 0);
        BinaryPrimitives.WriteInt64LittleEndian(rest[16..], (long)Flags);
        rest = rest[LoadedProgram.HeaderSize..];
        System.Runtime.InteropServices.MemoryMarshal.AsBytes(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_ops)).CopyTo(rest);
        rest = rest[opBytes..];
        _text.AsSpan(0, _textLength).CopyTo(rest);
        rest = rest[textBytes..];
        foreach (int relocation in _relocations)
        {
            BinaryPrimitives.WriteInt32LittleEndian(rest, relocation);
            rest = rest[4..];
        }

        return message;
    }

    private void PutPointer(int at, int target)
    {
        BinaryPrimitives.WriteInt64LittleEndian(_text.AsSpan(at), target);
        _relocations.Add(at);
    }

    private int Reserve(int length, int alignment)
    {
        int offset = (_textLength + alignment - 1) / alignment * alignment;
        if (offset + length > _text.Length)
        {
            Array.Resize(ref _text, Math.Max(_text.Length * 2, offset + length));
        }

        _textLength = offset + length;
        return offset;
    }
}

/// <summary>Where an argument's value comes from.</summary>
public enum ArgKind : byte
{
    Value, Text, Slot,
}

/// <summary>An argument of an operation: a number, an offset into the program's text, or a slot.</summary>
public readonly record struct Arg(ArgKind Kind, long Value)
{
    public static implicit operator Arg(long value) => new(ArgKind.Value, value);

    public static implicit operator Arg(Slot slot) => FromSlot((int)slot);

    internal static Arg FromText(int offset) => new(ArgKind.Text, offset);

    internal static Arg FromSlot(int slot) => new(ArgKind.Slot, slot);
}

/// <summary>The operation just added.</summary>
public readonly struct OpHandle(LaunchProgram program, int index)
{
    /// <summary>Its place in the program.</summary>
    internal int Index => index;

    /// <summary>Keeps the result in a slot.</summary>
    internal OpHandle Save(Arg slot)
    {
        Op op = program[index];
        op.Save = (short)slot.Value;
        program[index] = op;
        return this;
    }

    /// <summary>These errors are no failure.</summary>
    public OpHandle Tolerate(params ReadOnlySpan<Errno> errors)
    {
        Op op = program[index];
        foreach (Errno error in errors)
        {
            switch (op.Tolerated++)
            {
                case 0: op.Tolerate0 = (short)error; break;
                case 1: op.Tolerate1 = (short)error; break;
                case 2: op.Tolerate2 = (short)error; break;
                default: throw new InvalidOperationException("an operation tolerates three errors at most");
            }
        }

        program[index] = op;
        return this;
    }

    /// <summary>After a tolerated error, goes on at the operation that will be added next.</summary>
    public void OnErrorContinueHere()
    {
        Op op = program[index];
        op.SkipOnError = checked((ushort)(program.Count - index - 1));
        program[index] = op;
    }

    /// <summary>After success, goes on at the operation that will be added next.</summary>
    public void OnSuccessContinueHere()
    {
        Op op = program[index];
        op.SkipOnSuccess = checked((ushort)(program.Count - index - 1));
        program[index] = op;
    }
}

/// <summary>clone(2) flags.</summary>
[Flags]
public enum CloneFlags : long
{
    None = 0,
    Memory = 0x100,
    PidFd = 0x1000,
    Vfork = 0x4000,
    Parent = 0x8000,
    NewMount = 0x20000,
    NewCgroup = 0x2000000,
    NewUts = 0x4000000,
    NewIpc = 0x8000000,
    NewUser = 0x10000000,
    NewPid = 0x20000000,
    NewNetwork = 0x40000000,
    NewTime = 0x80,
    ClearHandlers = 0x100000000,
    IntoCgroup = 0x200000000,
}
