namespace Timur.Runtime.Containers;

/// <summary>Paths of cgroups as configurations write them (config-linux.md, Cgroups Path).</summary>
internal static class CgroupPaths
{
    /// <summary>Absolute, from the top of each hierarchy, and never above it.</summary>
    internal static string Clean(string path)
    {
        var parts = new List<string>();
        foreach (string part in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (part == "..")
            {
                parts.RemoveRange(Math.Max(parts.Count - 1, 0), Math.Min(parts.Count, 1));
            }
            else if (part != ".")
            {
                parts.Add(part);
            }
        }

        return parts.Count > 0 ? "/" + string.Join('/', parts) : throw new Failure($"config.json: linux.cgroupsPath: '{path}' is the top of the hierarchy", exitCode: 1);
    }
}
