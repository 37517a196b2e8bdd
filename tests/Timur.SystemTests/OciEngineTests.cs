using Timur.SystemTests.Engines;
using Xunit;

namespace Timur.SystemTests;

/// <summary>Real engines, each driven twice: with runc, the control, and with this runtime. What they say is the same.</summary>
public class OciEngineTests
{
    [Theory]
    [InlineData("containerd", "run: 5", "PAUSED", "exec: 3", "limits: 0", "seccomp: 1")]
    [InlineData("podman", "run --network: 5", "exec p1: 127", "137 exited", "0 100000 65536")]
    [InlineData("docker", "run: 5", "exec: 3", "paused: 1", "137 exited", "missing: 127", "built: 0", "out-of-memory: 137", "healthy")]
    [InlineData("buildah", "run: 5", "secret", "failing: 3", "Successfully tagged localhost/made:latest")]
    [InlineData("pods", "2 net", "from the host", "webhost", "67108864", "0 1000", "out-of-memory: 137", "timeout: 255")]
    [InlineData("compose", "exit code: 3", "client_1 | root:x:0:0:root:/root:/bin/sh", "healthy", "the same process", "1 true", "by timur", "0 300000 65536")]
    [InlineData("swarm", "2 Ready Active", "tasks on two", "50331648", "rollback_completed", "Node left the swarm.")]
    [InlineData("checkpoint", "checkpoint: 0", "went on: 0", "49999872", "export: 0", "p2")]
    public void An_engine_cannot_tell_this_runtime_from_runc(string engine, params string[] expected)
    {
        string control = Drive(engine, "runc");
        foreach (string line in expected)
        {
            Assert.Contains(line, string.Join('\n', control.Split('\n').Select(text => string.Join(' ', text.Split(' ', StringSplitOptions.RemoveEmptyEntries)))), StringComparison.Ordinal);
        }

        // Engines lose a line of a container that ends at once every now and then, with runc too: then both are asked again.
        string ours = Drive(engine, "timur-runc");
        for (int attempt = 0; attempt < 2 && ours != control; attempt++)
        {
            (control, ours) = (Drive(engine, "runc"), Drive(engine, "timur-runc"));
        }

        Assert.Equal(control, ours);
    }

    private static string Drive(string engine, string runtime)
    {
        using var bundle = new OciBundle();
        using var space = new EngineSpace();
        File.WriteAllText(space.Directory + "/daemon.json", Lines("\"runtimes\"", space.Runtime(runtime)));
        File.WriteAllText(space.Directory + "/engine.conf", Lines("[engine]", space.Directory + "/bin/runc"));
        if (engine == "checkpoint")
        {
            File.CreateSymbolicLink(space.Directory + "/criu", Criu.Program);
        }

        string output = space.Run(engine + ".sh", space.Runtime(runtime), bundle.Root, space.Directory, TimurCommand.Path);
        return output.Replace("timur-runc", "runc", StringComparison.Ordinal).Replace(space.Directory, "DIR", StringComparison.Ordinal).Replace("/usr/sbin/runc", "DIR/runc", StringComparison.Ordinal);
    }

    /// <summary>The README's lines for a runtime that is elsewhere.</summary>
    private static string Lines(string text, string program) => Readme.Block(text).Replace("/usr/local/bin/timur-runc", program, StringComparison.Ordinal) + "\n";
}
