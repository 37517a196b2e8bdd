using System.Net;
using System.Net.Sockets;
using System.Text;
using Xunit;

namespace Timur.SystemTests.Registries;

/// <summary>The way to a registry: through proxies, and with a certificate of one's own.</summary>
public sealed class TransportTests : IDisposable
{
    private readonly TimurCommand _timur = new();

    public void Dispose() => _timur.Dispose();

    [Fact]
    public void A_registry_without_encryption_is_reached_through_the_proxy_of_the_environment()
    {
        using var registry = new RegistryServer(_timur.Root + "/registry");
        SampleImage sample = Push(registry, "--dest-tls-verify=false");
        using var proxy = new TunnelProxy(registry.Host);
        Outcome pulled = With($"http_proxy=http://{proxy.Host} https_proxy=http://{proxy.Host}", "pull -q --tls-verify=false registry.test/app:1");
        Assert.True(pulled.Code == 0 && pulled.Out == sample.Id + "\n", pulled.ToString());
        Assert.Contains(proxy.Asked, line => line.StartsWith("GET http://registry.test/v2/app/manifests/1 ", StringComparison.Ordinal));
        Outcome pushed = With($"http_proxy=http://{proxy.Host}", "push -q --tls-verify=false registry.test/app:1 registry.test/app:2");
        Assert.True(pushed.Code == 0, pushed.ToString());
    }

    [Fact]
    public void A_registry_with_tls_is_reached_through_a_tunnel_and_its_certificate_still_counts()
    {
        using RegistryServer registry = WithTls();
        SampleImage sample = Push(registry, $"--dest-cert-dir={_timur.Root}/certs");
        using var proxy = new TunnelProxy(registry.Host);
        string environment = $"HTTPS_PROXY=http://{proxy.Host}";
        Outcome pulled = With(environment, $"pull -q --cert-dir {_timur.Root}/certs registry.test/app:1");
        Assert.True(pulled.Code == 0 && pulled.Out == sample.Id + "\n", pulled.ToString());
        Assert.Contains(proxy.Asked, line => line.StartsWith("CONNECT registry.test:443 ", StringComparison.Ordinal));
        Outcome unknown = With(environment, "pull -q registry.test/app:1");
        Assert.True(unknown.Code == 125 && unknown.Error.Contains("certs.d/registry.test", StringComparison.Ordinal), unknown.ToString());
        int before = proxy.Asked.Count;
        Outcome direct = With(environment + " NO_PROXY=.test", $"pull -q --cert-dir {_timur.Root}/certs registry.test/app:1");
        Assert.True(direct.Code == 125 && direct.Error.Contains("its name can't be resolved", StringComparison.Ordinal), direct.ToString());
        Assert.Equal(before, proxy.Asked.Count);
    }

    [Fact]
    public void A_proxy_that_refuses_is_named()
    {
        using var proxy = new TestServer(_ => TestAnswer.Plain(403));
        Outcome refused = With($"HTTPS_PROXY=http://{proxy.Host}", "pull -q registry.test/app:1");
        Assert.True(refused.Code == 125 && refused.Error.Contains("proxy", StringComparison.OrdinalIgnoreCase) && refused.Error.Contains("403", StringComparison.Ordinal), refused.ToString());
    }

    [Fact]
    public void A_registry_that_wants_a_certificate_of_the_client_gets_it()
    {
        using RegistryServer registry = WithTls("    clientcas: [CA]\n");
        File.Copy(_timur.Root + "/certs/ca.crt", Directory.CreateDirectory(_timur.Root + "/only").FullName + "/ca.crt");
        File.Copy(_timur.Root + "/client.cert", _timur.Root + "/certs/client.cert");
        File.Copy(_timur.Root + "/client.key", _timur.Root + "/certs/client.key");
        SampleImage sample = Push(registry, $"--dest-cert-dir={_timur.Root}/certs");
        Outcome without = _timur.Run("pull", "-q", "--tls-verify", "--cert-dir", _timur.Root + "/only", $"{registry.Host}/app:1");
        Assert.True(without.Code == 125 && without.Error.Contains("can't reach registry", StringComparison.Ordinal), without.ToString());
        Outcome with = _timur.Run("pull", "-q", "--tls-verify", "--cert-dir", _timur.Root + "/certs", $"{registry.Host}/app:1");
        Assert.True(with.Code == 0 && with.Out == sample.Id + "\n", with.ToString());
        File.Delete(_timur.Root + "/certs/client.key");
        Outcome half = _timur.Run("pull", "-q", "--tls-verify", "--cert-dir", _timur.Root + "/certs", $"{registry.Host}/app:1");
        Assert.True(half.Code == 125 && half.Error.Contains("a .cert needs its .key beside it", StringComparison.Ordinal), half.ToString());
    }

    private Outcome With(string environment, string words) => TimurCommand.Execute("sh", ["-c", $"{environment} exec {_timur.Words} {words}"]);

    private RegistryServer WithTls(string more = "")
    {
        TestCertificates.Make(_timur.Root);
        return new RegistryServer(
            _timur.Root + "/registry", $"  tls:\n    certificate: {_timur.Root}/server.crt\n    key: {_timur.Root}/server.key\n{more.Replace("CA", $"{_timur.Root}/certs/ca.crt", StringComparison.Ordinal)}");
    }

    private SampleImage Push(RegistryServer registry, string options)
    {
        var sample = new SampleImage(_timur.Root + "/sample", bytes: 100_000);
        sample.Push($"{registry.Host}/app:1", options);
        return sample;
    }

    /// <summary>A proxy on loopback; wherever one wants to go, it leads to the registry.</summary>
    private sealed class TunnelProxy : IDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly IPEndPoint _registry;
        private readonly List<string> _asked = [];

        internal TunnelProxy(string registry)
        {
            _registry = IPEndPoint.Parse(registry);
            _listener.Start();
            new Thread(Accept) { IsBackground = true }.Start();
        }

        internal string Host => _listener.LocalEndpoint.ToString()!;

        /// <summary>First lines of requests, as they came.</summary>
        internal List<string> Asked
        {
            get
            {
                lock (_asked)
                {
                    return [.. _asked];
                }
            }
        }

        public void Dispose() => _listener.Stop();

        private void Accept()
        {
            try
            {
                while (true)
                {
                    TcpClient client = _listener.AcceptTcpClient();
                    new Thread(() => Serve(client)) { IsBackground = true }.Start();
                }
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException or InvalidOperationException)
            {
            }
        }

        private void Serve(TcpClient client)
        {
            using (client)
            using (var registry = new TcpClient())
            {
                try
                {
                    NetworkStream near = client.GetStream();
                    string head = ReadHead(near);
                    lock (_asked)
                    {
                        _asked.Add(head.Split('\r')[0]);
                    }

                    registry.Connect(_registry);
                    NetworkStream far = registry.GetStream();
                    if (head.StartsWith("CONNECT ", StringComparison.Ordinal))
                    {
                        near.Write("HTTP/1.1 200 Go on\r\n\r\n"u8);
                    }
                    else
                    {
                        // One request for each connection, with the path only, as a server wants it.
                        string[] words = head.Split(' ', 3);
                        string path = new Uri(words[1]).PathAndQuery;
                        far.Write(Encoding.ASCII.GetBytes($"{words[0]} {path} {words[2].Replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n", StringComparison.Ordinal)}"));
                    }

                    Task.WaitAny(near.CopyToAsync(far), far.CopyToAsync(near));
                }
                catch (Exception e) when (e is IOException or SocketException or AggregateException)
                {
                }
            }
        }

        private static string ReadHead(NetworkStream stream)
        {
            var head = new StringBuilder();
            while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
            {
                int next = stream.ReadByte();
                head.Append(next >= 0 ? (char)next : throw new IOException("the client has gone"));
            }

            return head.ToString();
        }
    }
}
