namespace Timur.Cgroups;

/// <summary>Handles and objects of RDMA devices (cgroup-v1/rdma.rst, cgroup-v2.rst RDMA): the file is the same on both.</summary>
internal static class RdmaController
{
    internal static void Apply(CgroupDirectory? place, IReadOnlyDictionary<string, (long? Handles, long? Objects)> devices, LimitWords words, List<string> warnings)
    {
        foreach ((string device, (long? handles, long? objects)) in devices)
        {
            if (place is { } directory)
            {
                directory.Set("rdma.max", $"{device} hca_handle={Text(handles)} hca_object={Text(objects)}", $"{words.Rdma} of {device}");
            }
            else
            {
                warnings.Add($"{words.Rdma} of {device} has no effect: this machine has no rdma controller");
            }
        }
    }

    private static string Text(long? count) => count?.ToString() ?? "max";
}
