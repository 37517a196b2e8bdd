using Timur.Cgroups;
using Timur.Kernel;

namespace Timur.Runtime.Containers;

/// <summary>Which cgroup a further process joins.</summary>
/// <param name="Cgroup">Where it is on v2.</param>
/// <param name="TaskFiles">The files of v1 hierarchies through which it joins.</param>
internal sealed record ExecCgroups(Cgroup Cgroup, IReadOnlyList<string> TaskFiles)
{
    /// <summary>The container's own, but for what is asked for, which has to exist.</summary>
    internal static ExecCgroups Choose(Cgroup own, IReadOnlyList<string> wanted)
    {
        if (wanted.Count == 0)
        {
            return new ExecCgroups(own, own.TaskFiles);
        }

        Cgroup cgroup = own;
        string[] tasks = [.. own.TaskFiles];
        string[] top = [.. tasks];
        foreach (string one in wanted)
        {
            int colon = one.IndexOf(':');
            string path = Inside(one[(colon + 1)..]);
            if (colon < 0)
            {
                cgroup = path.Length > 0 ? own.Inner(path) : own;
                tasks = [.. top.Select(file => Below(file, path))];
                continue;
            }

            foreach (string controller in one[..colon].Split(','))
            {
                int at = own.Find(controller) is { Version: 1 } directory ? Array.IndexOf(top, directory.Path + "/tasks") : -1;
                tasks[at >= 0 ? at : throw new Failure($"unknown controller {controller} in --cgroup", exitCode: 1)] = Below(top[at], path);
            }
        }

        string? missing = Array.Find(tasks, file => !Files.Exists(file)) ?? (cgroup.UnifiedPath is { } unified && !Files.Exists(unified) ? unified + "/tasks" : null);
        return missing is null ? new ExecCgroups(cgroup, tasks)
            : throw new Failure($"error adding pid {Environment.ProcessId} to cgroups: open {Path.GetDirectoryName(missing)}/cgroup.procs: {Errno.ENOENT.Describe().ToLowerInvariant()}", exitCode: 1);
    }

    /// <summary>Without slashes around it; one that leads out of the container's cgroup is refused.</summary>
    private static string Inside(string path)
    {
        string trimmed = path.Trim('/');
        return trimmed.Split('/').Contains("..") ? throw new Failure($"bad sub cgroup path: {path} is not a sub cgroup path", exitCode: 1) : trimmed;
    }

    private static string Below(string tasks, string path) => path.Length == 0 ? tasks : $"{Path.GetDirectoryName(tasks)}/{path}/{Path.GetFileName(tasks)}";
}
