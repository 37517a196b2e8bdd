namespace Timur.Cgroups;

/// <summary>Huge pages, bytes by page size (cgroup-v1/hugetlb.rst, cgroup-v2.rst HugeTLB).</summary>
internal static class HugetlbController
{
    internal static void Apply(CgroupDirectory? place, IReadOnlyList<(string PageSize, long Limit)> limits, LimitWords words)
    {
        foreach ((string pageSize, long limit) in limits)
        {
            CgroupDirectory directory = place ?? throw CgroupDirectory.Missing("hugetlb", $"{words.Hugepages} {pageSize}");
            directory.Set(directory.Version == 1 ? $"hugetlb.{pageSize}.limit_in_bytes" : $"hugetlb.{pageSize}.max", limit.ToString(), $"{words.Hugepages} {pageSize}");
        }
    }
}
