using System.Text.Json.Nodes;

namespace Timur.Bench;

/// <summary>
/// An OCI bundle that asks of crun and runc what <c>timur run --network none busybox</c> asks of itself: the same namespaces, mounts, masks,
/// capabilities, seccomp profile and cgroup; the bundle is made from the configuration of one of Timur's containers. The peers' root file system is a
/// plain directory, which spares them the overlay that Timur mounts.
/// </summary>
internal static class Bundle
{
    internal static void Make(string directory, string configuration, string root, string cgroup, string[] arguments)
    {
        JsonNode config = JsonNode.Parse(File.ReadAllText(configuration))!;
        config["process"]!["args"] = new JsonArray([.. arguments.Select(word => (JsonNode)word)]);
        config["process"]!["terminal"] = false;
        config["root"]!["path"] = root;
        config["linux"]!["cgroupsPath"] = cgroup;
        config.AsObject().Remove("annotations");
        JsonArray mounts = config["mounts"]!.AsArray();
        foreach (JsonNode? mount in mounts.ToArray())
        {
            // The name files of the container that it was made from.
            if (mount!["type"]?.GetValue<string>() is "bind" or "none")
            {
                mounts.Remove(mount);
            }
        }

        Directory.CreateDirectory(directory);
        File.WriteAllText(directory + "/config.json", config.ToJsonString());
    }
}
