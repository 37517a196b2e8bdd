using Xunit;

namespace Timur.SystemTests;

/// <summary><c>--userns</c>: root inside is nobody outside.</summary>
public sealed class UserNamespaceTests : IDisposable
{
    private readonly TimurCommand _timur = new();

    public void Dispose() => _timur.Dispose();

    [Fact]
    public void Root_inside_is_an_ordinary_id_outside()
    {
        _timur.Start("mapped", "sleep 100", "--userns", "auto");
        string status = File.ReadAllText($"/proc/{_timur.Inspect("mapped", "{{.State.Pid}}")}/status");
        long outside = long.Parse(status.Split('\n').First(line => line.StartsWith("Uid:", StringComparison.Ordinal)).Split('\t')[1]);
        Assert.InRange(outside, 524288, 1879048192);
        Assert.Equal("0\n", _timur.Run("exec", "mapped", "id", "-u").Out);
        Assert.Equal($"0 {outside} 65536\n", _timur.Run("exec", "mapped", "sh", "-c", "echo $(cat /proc/self/uid_map)").Out);
    }

    [Fact]
    public void The_images_files_are_roots_inside_and_unchanged_outside()
    {
        Outcome outcome = _timur.Shell("stat -c '%u %g' /bin/busybox / /etc/hosts; touch /new; chown 1000:1000 /new; stat -c '%u %g' /new", "--userns", "auto");
        Assert.Equal("0 0\n0 0\n0 0\n1000 1000\n", outcome.Out);
    }

    [Fact]
    public void What_only_the_hosts_root_may_change_stays_out_of_reach()
    {
        string secret = _timur.Root + "/secret";
        File.WriteAllText(secret, "host\n");
        File.SetUnixFileMode(secret, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        string mount = $"{secret}:/secret";
        Assert.Equal("host\n", _timur.Shell("cat /secret", "-v", mount).Out);
        Outcome denied = _timur.Shell("cat /secret; echo x > /secret; chmod 777 /secret; chown 0 /secret", "--userns", "auto", "-v", mount, "--cap-add", "ALL");
        Assert.NotEqual(0, denied.Code);
        Assert.Equal("", denied.Out);
        Assert.Equal("host\n", File.ReadAllText(secret));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(secret));
    }

    [Fact]
    public void Capabilities_reach_no_further_than_the_namespace()
    {
        const string attempts = "mknod /sda b 8 0; mount -t tmpfs none /mnt && echo mounted; hostname inside && echo named; date -s 2001-01-01 2>/dev/null; nice -n -5 true 2>/dev/null; true";
        long before = DateTimeOffset.UtcNow.Year;
        Outcome outcome = _timur.Shell(attempts, "--userns", "auto", "--cap-add", "ALL", "--security-opt", "seccomp=unconfined");
        Assert.Contains("mknod: /sda: Operation not permitted", outcome.Error);
        Assert.Contains("named", outcome.Out);
        Assert.Equal(before, DateTimeOffset.UtcNow.Year);
        Assert.NotEqual("inside", Environment.MachineName);
    }

    [Fact]
    public async Task The_default_network_and_published_ports_work_as_ever()
    {
        int port = 20000 + (Environment.ProcessId % 20000);
        Outcome started = _timur.Run("run", "-d", "--name", "web", "--userns", "auto", "-p", $"127.0.0.1:{port}:80", "busybox", "sh", "-c", "echo hello > /tmp/index.html; httpd -f -p 80 -h /tmp");
        Assert.True(started.Code == 0, started.ToString());
        using var client = new HttpClient { Timeout = TimeSpan.FromSeconds(10) };
        string? answer = null;
        for (int attempt = 0; attempt < 50 && answer is null; attempt++)
        {
            try
            {
                answer = await client.GetStringAsync($"http://127.0.0.1:{port}/");
            }
            catch (HttpRequestException)
            {
                await Task.Delay(50);
            }
        }

        Assert.Equal("hello\n", answer);
        Assert.Contains(_timur.Inspect("web", "{{.NetworkSettings.IPAddress}}"), _timur.Run("exec", "web", "cat", "/etc/hosts").Out);
    }

    [Fact]
    public void A_disk_and_a_foreign_root_are_mapped_too()
    {
        Assert.Equal("0 0\n", _timur.Shell("touch /new && stat -c '%u %g' /new", "--userns", "auto", "--disk", "64m").Out);
        string root = Directory.GetDirectories(_timur.Root + "/data/images/layers").Single();
        Assert.Equal("0 0\n", _timur.Run("run", "--rm", "--network", "none", "--userns", "auto", "--rootfs", root, "stat", "-c", "%u %g", "/bin/busybox").Out);
    }

    [Fact]
    public void Explicit_maps_are_taken_as_they_are()
        => Assert.Equal("0 200000 1000 0 300000 2000\n", _timur.Shell("echo $(cat /proc/self/uid_map /proc/self/gid_map)", "--uidmap", "0:200000:1000", "--gidmap", "0:300000:2000").Out);

    [Theory]
    [InlineData("isn't a mode", "--userns", "maybe")]
    [InlineData("isn't CONTAINER:HOST:COUNT", "--uidmap", "0:1")]
    [InlineData("must map id 0", "--uidmap", "1:200000:1000")]
    [InlineData("doesn't go with a user namespace", "--userns", "auto", "--pid", "host")]
    [InlineData("don't go together", "--userns", "auto", "--uidmap", "0:200000:1000")]
    public void What_can_not_be_is_refused_with_a_reason(string reason, params string[] options)
    {
        Outcome outcome = _timur.Shell("true", options);
        Assert.Equal(125, outcome.Code);
        Assert.Contains(reason, outcome.Error);
        Assert.Equal("", _timur.Run("ps", "-aq").Out);
    }
}
