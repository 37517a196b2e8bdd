using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace Timur.Kernel.Launcher;

/// <summary>
/// A program of a few hundred bytes that a launched process executes before its payload: it waits at the start gate, if there is one, and then
/// executes the payload. From then on nothing of Timur's own is in the container: neither its file, which a payload that is a link to /proc/self/exe
/// would execute (CVE-2019-5736), nor its memory while a created container waits. It lives in a sealed memory file (memfd_create(2)), to which nobody
/// can write. x86-64 only; elsewhere this program's own file is executed through a read-only mount instead.
/// </summary>
public static unsafe class PayloadImage
{
    private const int Base = 0x400000;
    private const int HeaderSize = 64 + (2 * 56);
    private const int NoReport = -1;

    /// <summary>Where the kernel allows it: not with sysctl vm.memfd_noexec=2.</summary>
    public static bool IsSupported => RuntimeInformation.ProcessArchitecture == Architecture.X64 && Files.TryReadText("/proc/sys/vm/memfd_noexec", out _) is not "2";

    /// <summary>System calls that it makes: a filter has to allow them.</summary>
    public static IReadOnlyList<string> Calls { get; } = ["execveat", "execve", "read", "close", "fcntl", "write", "rt_sigaction", "exit_group"];

    /// <summary>A sealed memory file with the program.</summary>
    public static Fd Make(ReadOnlySpan<byte> image)
    {
        const int closeOnExec = 1;
        const int allowSealing = 2;
        const int executable = 0x10;
        const int addSeals = 1033;
        const int allSeals = 0xf;
        using var name = new CString("timur-init", stackalloc byte[16]);
        long result = Sys.Call(Nr.memfd_create, name.Address, closeOnExec | allowSealing | executable);

        // Kernels before 6.3 don't know the flag, and need none.
        result = result == -(int)Errno.EINVAL ? Sys.Call(Nr.memfd_create, name.Address, closeOnExec | allowSealing) : result;
        var file = new Fd((int)Sys.Check(result, "memfd_create"));
        Files.Write(file, image, "the payload's image");
        Sys.Check(Sys.Call(Nr.fcntl, file.Raw, addSeals, allSeals), "fcntl(F_ADD_SEALS)");
        return file;
    }

    /// <param name="gate">A descriptor from which a byte is read first, or null.</param>
    /// <param name="report">A descriptor that gets the failure of <paramref name="operation"/>, or null.</param>
    internal static byte[] Build(IReadOnlyList<string> paths, IReadOnlyList<string> arguments, IReadOnlyList<string> environment, int? gate, int? report, int operation)
    {
        string command = paths.Count == 1 ? paths[0] : arguments[0];
        IReadOnlyList<string> complaints = report is null ? [$"exec {command}: no such file or directory\n", $"exec {command}: exec format error\n", $"exec {command}: permission denied\n"] : [];
        var addresses = new Addresses(0, 0, 0, 0, [.. complaints.Select(_ => (0, 0))]);
        MachineCode code = Assemble(gate, report ?? NoReport, operation, addresses);
        var data = new DataSection(Base + HeaderSize + code.Length);
        int ending = gate is null ? 0 : data.SignalAction(Base + HeaderSize + code.PlaceOf("signal"));
        addresses = new Addresses(data.Array(paths), data.Array(arguments), data.Array(environment), ending, [.. complaints.Select(data.Text)]);
        byte[] bytes = Assemble(gate, report ?? NoReport, operation, addresses).ToBytes();
        return [.. Header(HeaderSize + bytes.Length + data.Length), .. bytes, .. data.Bytes];
    }

    /// <summary>elf(5): one segment, read and executed; a stack that isn't executed.</summary>
    private static byte[] Header(int size)
    {
        byte[] header = new byte[HeaderSize];
        Span<byte> h = header;
        ((ReadOnlySpan<byte>)[0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1, 1]).CopyTo(h);
        BinaryPrimitives.WriteInt16LittleEndian(h[16..], 2);
        BinaryPrimitives.WriteInt16LittleEndian(h[18..], 62);
        BinaryPrimitives.WriteInt32LittleEndian(h[20..], 1);
        BinaryPrimitives.WriteInt64LittleEndian(h[24..], Base + HeaderSize);
        BinaryPrimitives.WriteInt64LittleEndian(h[32..], 64);
        BinaryPrimitives.WriteInt16LittleEndian(h[52..], 64);
        BinaryPrimitives.WriteInt16LittleEndian(h[54..], 56);
        BinaryPrimitives.WriteInt16LittleEndian(h[56..], 2);
        Segment(h[64..], type: 1, flags: 5, Base, size);
        Segment(h[120..], type: 0x6474e551, flags: 6, 0, 0);
        return header;
    }

    private static void Segment(Span<byte> place, int type, int flags, long address, long size)
    {
        BinaryPrimitives.WriteInt32LittleEndian(place, type);
        BinaryPrimitives.WriteInt32LittleEndian(place[4..], flags);
        BinaryPrimitives.WriteInt64LittleEndian(place[16..], address);
        BinaryPrimitives.WriteInt64LittleEndian(place[24..], address);
        BinaryPrimitives.WriteInt64LittleEndian(place[32..], size);
        BinaryPrimitives.WriteInt64LittleEndian(place[40..], size);
        BinaryPrimitives.WriteInt64LittleEndian(place[48..], 4096);
    }

    /// <summary>Where the data is, and how long the texts are that tell standard error of ENOENT, ENOEXEC and anything else.</summary>
    /// <param name="Ending">What rt_sigaction(2) is told of signals that end a process.</param>
    private readonly record struct Addresses(int Paths, int Arguments, int Environment, int Ending, (int Address, int Length)[] Complaints);

    private static MachineCode Assemble(int? gate, int report, int operation, Addresses addresses)
    {
        var code = new MachineCode();
        if (report != NoReport)
        {
            // fcntl(report, F_SETFD, FD_CLOEXEC): the payload doesn't get it, and its end tells that the payload runs.
            code.Edi(report).Esi(2).Edx(1).Call(72);
            code.Add(0x85, 0xc0).JumpTo("end", 0x78); // test eax, eax; js end
        }

        if (gate is { } fifo)
        {
            // The first process of a namespace has no signal that ends it unless it handles it (pid_namespaces(7)); whoever kills a created container means it.
            foreach (int signal in (ReadOnlySpan<int>)[1, 2, 3, 15])
            {
                // rt_sigaction(signal, ending, 0, 8)
                code.Edi(signal).Esi(addresses.Ending).Edx(0).Add(0x41, 0xba).Word(8).Call(13); // mov r10d, 8
            }

            // read(gate, rsp - 128, 1) until no signal interrupts it; close(gate)
            code.Label("gate").Edi(fifo).Add(0x48, 0x8d, 0x74, 0x24, 0x80).Edx(1).Call(0);
            code.Add(0x83, 0xf8, 0xfc).JumpTo("gate", 0x74); // cmp eax, -EINTR; je gate

            // A payload that is a link to /proc/self/exe executes this once more: then there is no gate, and it ends.
            code.Add(0x83, 0xf8, 0x01).JumpTo("open", 0x74); // cmp eax, 1; je open
            code.Edi(127).Call(231);

            // The handler: exit_group(128 + signal)
            code.Label("signal").Add(0x81, 0xc7).Word(128).Call(231); // add edi, 128
            code.Label("open").Edi(fifo).Call(3);
        }

        // For each path: execve(path, arguments, environment). r12d keeps the error to report: ENOENT until one is another.
        code.Add(0xbb).Word(addresses.Paths).Add(0x41, 0xbc).Word(2); // mov ebx, paths; mov r12d, ENOENT
        code.Label("next").Add(0x48, 0x8b, 0x3b, 0x48, 0x85, 0xff).JumpTo("report", 0x74); // mov rdi, [rbx]; test rdi, rdi; je report
        code.Esi(addresses.Arguments).Edx(addresses.Environment).Call(59);
        code.Add(0x48, 0x83, 0xc3, 0x08, 0xf7, 0xd8); // add rbx, 8; neg eax
        code.Add(0x83, 0xf8, 0x02).JumpTo("next", 0x74); // cmp eax, ENOENT; je next
        code.Add(0x83, 0xf8, 0x14).JumpTo("next", 0x74); // cmp eax, ENOTDIR; je next
        code.Add(0x41, 0x89, 0xc4); // mov r12d, eax
        code.Add(0x83, 0xf8, 0x0d).JumpTo("next", 0x74); // cmp eax, EACCES; je next
        code.Label("report");
        if (report != NoReport)
        {
            // A ChildMessage below the stack pointer: letter 0, operation, errno, 0; write(report, rsp, 16)
            code.Add(0x48, 0x83, 0xec, 0x10); // sub rsp, 16
            code.Add(0xc7, 0x04, 0x24).Word(0).Add(0xc7, 0x44, 0x24, 0x04).Word(operation); // mov dword [rsp], 0; mov dword [rsp+4], operation
            code.Add(0x44, 0x89, 0x64, 0x24, 0x08, 0xc7, 0x44, 0x24, 0x0c).Word(0); // mov [rsp+8], r12d; mov dword [rsp+12], 0
            code.Edi(report).Add(0x48, 0x89, 0xe6).Edx(16).Call(1); // mov rsi, rsp
        }
        else
        {
            Complain(code, addresses.Complaints);
        }

        code.Label("end").Edi(127).Call(231);
        return code;
    }

    /// <summary>Whoever created the container has gone: the words go where the payload's own errors would, and the code is 255.</summary>
    private static void Complain(MachineCode code, (int Address, int Length)[] complaints)
    {
        code.Esi(complaints[0].Address).Edx(complaints[0].Length);
        code.Add(0x41, 0x83, 0xfc, 0x02).JumpTo("write", 0x74); // cmp r12d, ENOENT; je write
        code.Esi(complaints[1].Address).Edx(complaints[1].Length);
        code.Add(0x41, 0x83, 0xfc, 0x08).JumpTo("write", 0x74); // cmp r12d, ENOEXEC; je write
        code.Esi(complaints[2].Address).Edx(complaints[2].Length);
        code.Label("write").Edi(2).Call(1);
        code.Edi(255).Call(231);
    }

    /// <summary>Instructions of x86-64 (Intel SDM volume 2), with short jumps to labels.</summary>
    private sealed class MachineCode
    {
        private readonly List<byte> _bytes = new(192);
        private readonly Dictionary<string, int> _labels = [];
        private readonly List<(int At, string Label)> _jumps = [];

        internal MachineCode Add(params ReadOnlySpan<byte> bytes)
        {
            foreach (byte b in bytes)
            {
                _bytes.Add(b);
            }

            return this;
        }

        internal MachineCode Word(int value) => Add((byte)value, (byte)(value >> 8), (byte)(value >> 16), (byte)(value >> 24));

        internal MachineCode Edi(int value) => Add(0xbf).Word(value);

        internal MachineCode Esi(int value) => Add(0xbe).Word(value);

        internal MachineCode Edx(int value) => Add(0xba).Word(value);

        /// <summary>mov eax, number; syscall</summary>
        internal MachineCode Call(int number) => Add(0xb8).Word(number).Add(0x0f, 0x05);

        internal MachineCode Label(string name)
        {
            _labels.Add(name, _bytes.Count);
            return this;
        }

        internal MachineCode JumpTo(string label, byte opcode)
        {
            Add(opcode, 0);
            _jumps.Add((_bytes.Count - 1, label));
            return this;
        }

        internal int Length => _bytes.Count;

        internal int PlaceOf(string label) => _labels[label];

        internal byte[] ToBytes()
        {
            foreach ((int at, string label) in _jumps)
            {
                _bytes[at] = (byte)checked((sbyte)(_labels[label] - at - 1));
            }

            return [.. _bytes];
        }
    }

    /// <summary>Strings and arrays of their addresses.</summary>
    private sealed class DataSection(int start)
    {
        private byte[] _bytes = new byte[4096];

        internal int Length { get; private set; }

        internal ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, Length);

        /// <summary>The address of a null-terminated array.</summary>
        internal int Array(IReadOnlyList<string> texts)
        {
            int array = Take((texts.Count + 1) * 8);
            for (int i = 0; i < texts.Count; i++)
            {
                int length = Encoding.UTF8.GetByteCount(texts[i]);
                int at = Take(length + 1);
                Encoding.UTF8.GetBytes(texts[i], _bytes.AsSpan(at));
                BinaryPrimitives.WriteInt64LittleEndian(_bytes.AsSpan(array + (i * 8)), start + at);
            }

            return start + array;
        }

        /// <summary>struct kernel_sigaction: handler, flags, restorer, mask. The handler never returns; the kernel wants a restorer all the same.</summary>
        internal int SignalAction(int handler)
        {
            const int hasRestorer = 0x4000000;
            int at = Take(32);
            BinaryPrimitives.WriteInt64LittleEndian(_bytes.AsSpan(at), handler);
            BinaryPrimitives.WriteInt64LittleEndian(_bytes.AsSpan(at + 8), hasRestorer);
            BinaryPrimitives.WriteInt64LittleEndian(_bytes.AsSpan(at + 16), handler);
            return start + at;
        }

        /// <summary>Where a text is, and its length.</summary>
        internal (int Address, int Length) Text(string text)
        {
            int length = Encoding.UTF8.GetByteCount(text);
            int at = Take(length);
            Encoding.UTF8.GetBytes(text, _bytes.AsSpan(at));
            return (start + at, length);
        }

        private int Take(int count)
        {
            int at = Length;
            Length += count;
            if (Length > _bytes.Length)
            {
                System.Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, Length));
            }

            return at;
        }
    }
}
