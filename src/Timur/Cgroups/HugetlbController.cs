using Timur.Kernel;

namespace Timur.Cgroups;

/// <summary>Huge pages, bytes by page size (cgroup-v1/hugetlb.rst, cgroup-v2.rst HugeTLB).</summary>
internal static class HugetlbController
{
    internal static void Apply(CgroupDirectory? place, IReadOnlyList<(string PageSize, long Limit)> limits, LimitWords words)
    {
        foreach ((string pageSize, long limit) in limits)
        {
            CgroupDirectory directory = place ?? throw CgroupDirectory.Missing("hugetlb", $"{words.Hugepages} {pageSize}");
            string file = directory.Version == 1 ? "limit_in_bytes" : "max";
            string bytes = limit.ToString();
            directory.Set($"hugetlb.{pageSize}.{file}", bytes, $"{words.Hugepages} {pageSize}");

            // What is reserved, too: a process that reserves more is told so by mmap(2), and not killed when it uses them (since Linux 5.7).
            string reserved = $"hugetlb.{pageSize}.rsvd.{file}";
            if (Files.Exists($"{directory.Path}/{reserved}"))
            {
                directory.Set(reserved, bytes, $"{words.Hugepages} {pageSize}");
            }
        }
    }
}
