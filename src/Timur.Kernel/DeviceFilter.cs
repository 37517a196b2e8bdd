namespace Timur.Kernel;

/// <summary>eBPF programs of type BPF_PROG_TYPE_CGROUP_DEVICE (bpf(2)).</summary>
public static unsafe class DeviceFilter
{
    private const int ProgramLoad = 5;
    private const int ProgramAttach = 8;
    private const int ProgramDetach = 9;
    private const int ProgramQuery = 16;
    private const int ProgramGetById = 13;
    private const int TypeCgroupDevice = 15;
    private const int AttachCgroupDevice = 6;
    private const int AllowMulti = 2;

    /// <summary>Loads the instructions and attaches them to a cgroup v2 directory; older programs of this cgroup are detached after.</summary>
    public static void Attach(Fd cgroup, ReadOnlySpan<ulong> instructions, string target)
    {
        using Fd program = Load(instructions, target);
        List<uint> old = Query(cgroup, target);
        byte* attributes = stackalloc byte[128];
        new Span<byte>(attributes, 128).Clear();
        *(int*)attributes = cgroup.Raw;
        *(int*)(attributes + 4) = program.Raw;
        *(int*)(attributes + 8) = AttachCgroupDevice;
        *(int*)(attributes + 12) = AllowMulti;
        Sys.Check(Sys.Call(Nr.bpf, ProgramAttach, (long)attributes, 32), "bpf(attach device program)", target);
        foreach (uint id in old)
        {
            Detach(cgroup, id);
        }
    }

    private static Fd Load(ReadOnlySpan<ulong> instructions, string target)
    {
        byte* attributes = stackalloc byte[128];
        new Span<byte>(attributes, 128).Clear();
        fixed (ulong* code = instructions)
        fixed (byte* licence = "MIT\0"u8)
        {
            // union bpf_attr: prog_type, insn_cnt, insns, license
            *(int*)attributes = TypeCgroupDevice;
            *(int*)(attributes + 4) = instructions.Length;
            *(long*)(attributes + 8) = (long)code;
            *(long*)(attributes + 16) = (long)licence;
            return new Fd((int)Sys.Check(Sys.Call(Nr.bpf, ProgramLoad, (long)attributes, 120), "bpf(load device program)", target));
        }
    }

    private static List<uint> Query(Fd cgroup, string target)
    {
        uint* ids = stackalloc uint[64];
        byte* attributes = stackalloc byte[128];
        new Span<byte>(attributes, 128).Clear();
        *(int*)attributes = cgroup.Raw;
        *(int*)(attributes + 4) = AttachCgroupDevice;
        *(long*)(attributes + 16) = (long)ids;
        *(int*)(attributes + 24) = 64;
        Sys.Check(Sys.Call(Nr.bpf, ProgramQuery, (long)attributes, 64), "bpf(query)", target);
        return [.. new ReadOnlySpan<uint>(ids, *(int*)(attributes + 24))];
    }

    private static void Detach(Fd cgroup, uint id)
    {
        byte* attributes = stackalloc byte[128];
        new Span<byte>(attributes, 128).Clear();
        *(uint*)attributes = id;
        long fd = Sys.Call(Nr.bpf, ProgramGetById, (long)attributes, 16);
        if (fd < 0)
        {
            return;
        }

        using var program = new Fd((int)fd);
        new Span<byte>(attributes, 128).Clear();
        *(int*)attributes = cgroup.Raw;
        *(int*)(attributes + 4) = program.Raw;
        *(int*)(attributes + 8) = AttachCgroupDevice;
        Sys.Call(Nr.bpf, ProgramDetach, (long)attributes, 32);
    }
}
