using System.Text.Json.Nodes;

namespace Timur.Bench.Candidates;

/// <summary>A bundle that is what <c>timur run --network none</c> would run: the same namespaces, mounts, masks, capabilities, seccomp profile and limits.</summary>
internal static class RuntimeBundle
{
    /// <summary>Written once for each directory, which it returns.</summary>
    /// <param name="model">The configuration of one of our containers.</param>
    /// <param name="id">Its cgroup stands under this name at the top.</param>
    internal static string Write(string directory, string model, string root, string id, params string[] arguments)
    {
        if (Kernel.Files.Exists(directory))
        {
            return directory;
        }

        JsonNode config = JsonNode.Parse(model)!;

        // What it asks for is in the first version; older runtimes refuse a later number.
        config["ociVersion"] = "1.0.2";
        config["process"]!["args"] = new JsonArray([.. arguments.Select(word => (JsonNode)word)]);
        config["process"]!["terminal"] = false;
        config["root"]!["path"] = root;
        config["linux"]!["cgroupsPath"] = "/" + id;
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

        Kernel.Directories.Create(directory);
        Kernel.Files.WriteAll(directory + "/config.json", System.Text.Encoding.UTF8.GetBytes(config.ToJsonString()));
        return directory;
    }
}
