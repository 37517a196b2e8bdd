using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Timur.SystemTests.Registries;

/// <summary>Debian's docker-registry on loopback, with a store of its own; ended when disposed.</summary>
internal sealed class RegistryServer : IDisposable
{
    private readonly Process _process;

    /// <param name="directory">Where its files are.</param>
    /// <param name="http">More of its <c>http:</c> section.</param>
    /// <param name="more">More sections, such as <c>auth:</c>.</param>
    internal RegistryServer(string directory, string http = "", string more = "")
    {
        Directory.CreateDirectory(directory);
        Host = $"127.0.0.1:{FreePort()}";
        File.WriteAllText(directory + "/config.yml", $"version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n    rootdirectory: {directory}/store\nhttp:\n  addr: {Host}\n{http}{more}");
        _process = Process.Start(new ProcessStartInfo("docker-registry", ["serve", directory + "/config.yml"]) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        _process.ErrorDataReceived += (_, _) => { };
        _process.BeginErrorReadLine();
        _process.OutputDataReceived += (_, _) => { };
        _process.BeginOutputReadLine();
        if (!SpinWait.SpinUntil(Answers, 60_000))
        {
            Dispose();
            throw new InvalidOperationException("docker-registry doesn't answer");
        }
    }

    internal string Host { get; }

    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }

    private bool Answers()
    {
        try
        {
            using var client = new TcpClient();
            client.Connect(IPEndPoint.Parse(Host));
            return true;
        }
        catch (SocketException)
        {
            Thread.Sleep(20);
            return false;
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
