namespace Timur.Kernel;

/// <summary>The machine's memory, whatever limits this process is under.</summary>
public static unsafe class MachineMemory
{
    /// <summary>Usable bytes (sysinfo(2)); /proc/meminfo's MemTotal.</summary>
    public static long Total
    {
        get
        {
            // struct sysinfo: totalram is the fifth word, mem_unit a 32-bit number after eleven more words with gaps.
            const int totalMemory = 4;
            const int unitOffset = 104;
            long* information = stackalloc long[16];
            Sys.Check(Sys.Call(Nr.sysinfo, (long)information), "sysinfo");
            return information[totalMemory] * *(uint*)((byte*)information + unitOffset);
        }
    }
}
