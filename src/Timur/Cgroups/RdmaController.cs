namespace Timur.Cgroups;

/// <summary>Handles and objects of RDMA devices (cgroup-v1/rdma.rst, cgroup-v2.rst RDMA): the file is the same on both.</summary>
internal static class RdmaController
{
    internal static void Apply(CgroupDirectory? place, IReadOnlyDictionary<string, (long? Handles, long? Objects)> devices, LimitWords words)
    {
        foreach ((string device, (long? handles, long? objects)) in devices)
        {
            string limit = $"{words.Rdma} of {device}";
            CgroupDirectory directory = place ?? throw CgroupDirectory.Missing("rdma", limit);
            directory.Set("rdma.max", $"{device} hca_handle={Text(handles)} hca_object={Text(objects)}", limit);
        }
    }

    private static string Text(long? count) => count?.ToString() ?? "max";
}
