namespace Timur.Kernel;

/// <summary>This process's resource limits (getrlimit(2)).</summary>
public static unsafe class ResourceLimits
{
    internal const int OpenFiles = 7;
    private const int MostParked = 1000;

    /// <summary>The hard limit; all ones is no limit.</summary>
    public static ulong Hard(int resource) => Get(resource).Hard;

    /// <summary>
    /// A number for a descriptor that has to be out of the way, above the ones in use: the last of four that this process may have, or that anybody
    /// needs.
    /// </summary>
    internal static int ParkingPlace => ParkingPlaceBelow(Get(OpenFiles).Soft);

    internal static int ParkingPlaceBelow(ulong limit) => (int)Math.Min(limit - 1, MostParked);

    /// <summary>How many descriptors this process may have, when those are fewer than a whole root takes and there may be more; else null.</summary>
    internal static (ulong Soft, ulong Hard)? FewFiles => Get(OpenFiles) is var limit && limit.Soft <= MostParked && limit.Hard > limit.Soft ? limit : null;

    private static (ulong Soft, ulong Hard) Get(int resource)
    {
        ulong* limit = stackalloc ulong[2];
        Sys.Check(Sys.Call(Nr.prlimit64, 0, resource, 0, (long)limit), "prlimit");
        return (limit[0], limit[1]);
    }
}
