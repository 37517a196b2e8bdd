using System.Text;

namespace Timur.Runtime.Seccomp;

/// <summary>An architecture that a filter may serve: its AUDIT_ARCH value (linux/audit.h) and its column of the table.</summary>
internal enum FilterArchitecture
{
    X64, X86, X32, Arm64, Arm,
}

internal static partial class SyscallTable
{
    /// <summary>Marks x32 calls: they arrive with x86-64's architecture and this bit in the number (arch/x86/include/uapi/asm/unistd.h).</summary>
    internal const int X32Bit = 0x40000000;

    /// <summary>The number, or -1 when the architecture has no such call or the name is unknown.</summary>
    internal static int Find(string name, FilterArchitecture architecture)
    {
        int row = Row(name);
        if (row < 0)
        {
            return -1;
        }

        int number = architecture switch
        {
            FilterArchitecture.X64 => X64[row],
            FilterArchitecture.X86 => X86[row],
            FilterArchitecture.X32 => X32[row],
            FilterArchitecture.Arm64 => Arm64[row],
            _ => Arm[row],
        };
        return number >= 0 && architecture == FilterArchitecture.X32 ? number | X32Bit : number;
    }

    /// <summary>How the audit subsystem names the architecture.</summary>
    internal static uint AuditValue(FilterArchitecture architecture) => architecture switch
    {
        FilterArchitecture.X64 or FilterArchitecture.X32 => 0xC000003E,
        FilterArchitecture.X86 => 0x40000003,
        FilterArchitecture.Arm64 => 0xC00000B7,
        _ => 0x40000028,
    };

    private static int Row(string name)
    {
        Span<byte> wanted = stackalloc byte[64];
        if (!Encoding.UTF8.TryGetBytes(name, wanted, out int length))
        {
            return -1;
        }

        wanted = wanted[..length];
        int low = 0;
        int high = Starts.Length - 1;
        while (low <= high)
        {
            int middle = (low + high) / 2;
            int start = Starts[middle];
            int end = middle + 1 < Starts.Length ? Starts[middle + 1] - 1 : Names.Length;
            int order = wanted.SequenceCompareTo(Names[start..end]);
            if (order == 0)
            {
                return middle;
            }

            (low, high) = order < 0 ? (low, middle - 1) : (middle + 1, high);
        }

        return -1;
    }
}
