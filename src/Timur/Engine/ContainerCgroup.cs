using Timur.Cgroups;
using Timur.State;

namespace Timur.Engine;

/// <summary>Which cgroup is a container's.</summary>
public static class ContainerCgroup
{
    /// <summary>Path in every hierarchy: below <c>--cgroup-parent</c>, else right below the root, with the store's prefix.</summary>
    public static string Path(DataPaths paths, RunOptions options, ContainerId id) 
        => options.Text("cgroup-parent") is { } parent ? $"{parent.TrimEnd('/')}/{id.Text}" : $"/{paths.CgroupPrefix}{id.Text}";

    /// <summary>The cgroup that the container has or had.</summary>
    public static Cgroup Of(DataPaths paths, Container container) => Cgroup.Open(CgroupLayout.Detect(), Path(paths, container.Options, container.Id));
}
