namespace Timur.Cgroups;

/// <summary>Huge pages, bytes by page size (cgroup-v1/hugetlb.rst, cgroup-v2.rst HugeTLB).</summary>
internal static class HugetlbController
{
    internal static void Apply(CgroupDirectory? place, IReadOnlyList<(string PageSize, long Limit)> limits, LimitWords words, List<string> warnings)
    {
        foreach ((string pageSize, long limit) in limits)
        {
            if (place is { } directory)
            {
                directory.Set(directory.Version == 1 ? $"hugetlb.{pageSize}.limit_in_bytes" : $"hugetlb.{pageSize}.max", limit.ToString(), $"{words.Hugepages} {pageSize}");
            }
            else
            {
                warnings.Add($"{words.Hugepages} {pageSize} has no effect: this machine has no hugetlb controller");
            }
        }
    }
}
