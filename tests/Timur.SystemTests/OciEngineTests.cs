using Xunit;

namespace Timur.SystemTests;

/// <summary>Real engines, each driven twice: with runc, the control, and with this runtime. What they say is the same.</summary>
public class OciEngineTests
{
    [Theory]
    [InlineData("containerd", "run: 5", "PAUSED", "exec: 3", "limits: 0", "seccomp: 1")]
    [InlineData("podman", "run --network: 5", "exec p1: 127", "137 exited", "0 100000 65536")]
    [InlineData("docker", "run: 5", "exec: 3", "paused: 1", "137 exited", "missing: 127", "built: 0", "out-of-memory: 137", "healthy")]
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
        string work = bundle.Directory + "/work";
        Directory.CreateDirectory(work);
        string program = "/usr/sbin/runc";
        if (runtime != "runc")
        {
            program = bundle.Directory + "/" + runtime;
            File.CreateSymbolicLink(program, TimurCommand.Path);
        }

        string script = Path.Combine(AppContext.BaseDirectory, "Engines", engine + ".sh");
        string output = TimurCommand.Execute("sh", [script, program, bundle.Root, work]).Out;
        return output.Replace("timur-runc", "runc", StringComparison.Ordinal).Replace(bundle.Directory, "DIR", StringComparison.Ordinal);
    }
}
