using Timur.Cgroups;
using Timur.Kernel;
using Timur.Kernel.Launcher;

namespace Timur.Runtime;

/// <summary>Launches a further process into a container's cgroup.</summary>
public static class CgroupEntry
{
    /// <summary>In the container's cgroup, or, when that has passed its controllers on and takes no process, where the first process is.</summary>
    /// <param name="requestIn">The launch, into a cgroup v2 directory or, for null, where the launching process is.</param>
    public static Launched Launch(Func<Fd?, LaunchRequest> requestIn, Cgroup cgroup, int firstProcess)
    {
        using Fd? top = cgroup.OpenUnified();
        try
        {
            return Launching.Start(requestIn(top));
        }
        catch (SyscallException e) when (e is { Call: "clone3", Errno: Errno.EBUSY } && cgroup.OpenUnifiedOf(firstProcess) is { } inner)
        {
            using (inner)
            {
                return Launching.Start(requestIn(inner));
            }
        }
    }
}
