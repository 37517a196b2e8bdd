using Xunit;

namespace Timur.SystemTests.Keeping;

/// <summary>What an image says about running it is done, unless the options say otherwise; health checks.</summary>
public sealed class ImageConfigTests : IDisposable
{
    private readonly TimurCommand _timur = new();

    public void Dispose() => _timur.Dispose();

    [Fact]
    public void Environment_entrypoint_command_user_directory_and_labels_of_the_image_are_honoured()
    {
        Image("""{"Env":["PATH=/bin","COLOUR=red","KEPT=yes"],"Entrypoint":["sh","-c"],"Cmd":["echo $COLOUR $KEPT $(id -un):$(id -gn) $PWD $HOME"],"User":"anna:staff","WorkingDir":"/srv/work","Labels":{"tier":"back","kind":"x"}}""");
        Assert.Equal("red yes anna:staff /srv/work /home/anna", _timur.Must("$T run --rm --network none img"));
        Assert.Equal("blue yes root:root /tmp /root", _timur.Must("$T run --rm --network none -e COLOUR=blue -u root:root -w /tmp -e HOME=/root img"));
        Assert.Equal("other", _timur.Must("$T run --rm --network none img 'echo other'"));
        Assert.Equal("anna", _timur.Must("$T run --rm --network none --entrypoint id img -un"));
        _timur.Must("$T create --name box --network none -l tier=front img");
        Assert.Equal("front x anna:staff /srv/work", _timur.Inspect("box", "{{.Config.Labels.tier}} {{.Config.Labels.kind}} {{.Config.User}} {{.Config.WorkingDir}}"));
        Assert.Equal("box", _timur.Must("$T ps -a --filter label=kind=x --format '{{.Names}}'"));
    }

    [Fact]
    public void A_user_that_the_image_doesnt_have_is_an_error()
    {
        Image("""{"Cmd":["true"],"User":"nobody-here"}""");
        Outcome outcome = _timur.Run("run", "--rm", "--network", "none", "img");
        Assert.Equal((125, true), (outcome.Code, outcome.Error.Contains("no user 'nobody-here'", StringComparison.Ordinal)));
    }

    [Fact]
    public void The_images_stop_signal_is_sent()
    {
        Image("""{"Cmd":["sh","-c","trap 'echo asked; exit 3' USR1; trap '' TERM; while :; do sleep 0.1; done"],"StopSignal":"SIGUSR1"}""");
        _timur.Must("$T run -d --name box --network none img; sleep 0.3; $T stop -t 20 box");
        Assert.Equal(("3", "asked", "SIGUSR1"), (_timur.Inspect("box", "{{.State.ExitCode}}"), _timur.Must("$T logs box"), _timur.Inspect("box", "{{.Config.StopSignal}}")));
    }

    [Fact]
    public void Exposed_ports_are_published_on_free_ones_when_asked() => PrivateHost.Run(_ =>
    {
        using var tests = new ImageConfigTests();
        tests.Image("""{"Cmd":["httpd","-f","-p","8080","-h","/etc"],"ExposedPorts":{"8080/tcp":{},"53/udp":{}}}""");
        string ports = tests._timur.Must("$T run -d -P --name box img >/dev/null; $T ps --format '{{.Ports}}'");
        Assert.Matches("0.0.0.0:[0-9]+->8080/tcp", ports);
        Assert.Matches("0.0.0.0:[0-9]+->53/udp", ports);
        string port = System.Text.RegularExpressions.Regex.Match(ports, "0.0.0.0:([0-9]+)->8080/tcp").Groups[1].Value;
        Assert.Equal("anna:x:1000:50:Anna:/home/anna:/bin/sh", tests._timur.Must($"curl -s 127.0.0.1:{port}/passwd | grep anna"));
        Assert.Matches("^0.0.0.0:7070->8080/tcp", tests._timur.Must("$T rm -f box >/dev/null; $T run -d -P -p 7070:8080 --name two img >/dev/null; $T ps --format '{{.Ports}}' | tr ',' '\\n' | sed 's/^ //' | grep '^0.0.0.0.*8080'"));
    });

    [Fact]
    public void The_images_health_check_is_run_and_shown()
    {
        Image("""{"Cmd":["sleep","100"],"Healthcheck":{"Test":["CMD-SHELL","echo looked; test -e /tmp/well"],"Interval":200000000,"Timeout":5000000000,"Retries":2}}""");
        _timur.Must("$T run -d --name box --network none img");
        Assert.Contains("(health: starting)", _timur.Must("$T ps --format '{{.Status}}'"));
        Await("box", "unhealthy");
        Assert.Equal("1 looked", _timur.Inspect("box", "{{with index .State.Health.Log 0}}{{.ExitCode}} {{.Output}}{{end}}"));
        Assert.Equal("box", _timur.Must("$T ps --filter health=unhealthy --format '{{.Names}}'"));
        _timur.Must("$T exec box touch /tmp/well");
        Await("box", "healthy");
        Assert.EndsWith("(healthy)", _timur.Must("$T ps --format '{{.Status}}'"));
        Assert.Equal("0", _timur.Inspect("box", "{{.State.Health.FailingStreak}}"));

        // A new life begins anew; what is frozen isn't ill; and nobody is left when it ends.
        _timur.Must("$T restart -t 0 box");
        Await("box", "healthy");
        _timur.Must("$T pause box; sleep 1; $T unpause box");
        Assert.Equal("healthy", _timur.Inspect("box", "{{.State.Health.Status}}"));
        _timur.Must("$T rm -f box");
        Assert.True(SpinWait.SpinUntil(() => _timur.Must($"grep -lsa '[t]imur-health.*{_timur.Root}' /proc/[0-9]*/cmdline || true") == "", 60_000));

        _timur.Must("$T run -d --name without --no-healthcheck --network none img");
        Assert.Equal("false", _timur.Inspect("without", "{{if .State.Health}}true{{else}}false{{end}}"));
        Assert.DoesNotContain("health", _timur.Must("$T ps --format '{{.Status}}'"));
    }

    [Fact]
    public void Health_options_take_the_images_place_and_a_check_that_hangs_fails_in_time()
    {
        Image("""{"Cmd":["sleep","100"],"Healthcheck":{"Test":["CMD","false"],"Interval":200000000}}""");
        _timur.Must("$T run -d --name hangs --network none --health-cmd 'echo begun; sleep 50' --health-timeout 300ms --health-retries 1 img");
        Await("hangs", "unhealthy");
        Assert.StartsWith("-1 Health check exceeded timeout (0.3s): begun", _timur.Inspect("hangs", "{{with index .State.Health.Log 0}}{{.ExitCode}} {{.Output}}{{end}}"));
        _timur.Must("$T run -d --name young --network none --health-interval 100ms --health-start-period 1h --health-start-interval 100ms --health-retries 1 img");
        Assert.True(SpinWait.SpinUntil(() => _timur.Inspect("young", "{{len .State.Health.Log}}") == "5", 60_000));
        Assert.Equal("starting 0", _timur.Inspect("young", "{{.State.Health.Status}} {{.State.Health.FailingStreak}}"));
        _timur.Must("$T run -d --name much --network none --health-cmd 'head -c 300000 /dev/zero | tr \"\\0\" x' --health-interval 100ms img");
        Await("much", "healthy");
        Assert.Equal("4096", _timur.Inspect("much", "{{with index .State.Health.Log 0}}{{len .Output}}{{end}}"));
        foreach (string[] options in (string[][])[["--health-interval", "often"], ["--health-retries", "0"], ["--no-healthcheck", "--health-cmd", "true"], ["--health-timeout", "0s"]])
        {
            Assert.Equal(125, _timur.Run(["create", "--network", "none", .. options, "img"]).Code);
        }

        _timur.Must("$T rm -f hangs young much");
        Assert.Equal("everything is as recorded", _timur.Must("$T system check"));
    }

    private void Await(string name, string status)
        => Assert.True(SpinWait.SpinUntil(() => _timur.Inspect(name, "{{.State.Health.Status}}") == status, 60_000), _timur.Run("inspect", name).Out);

    /// <summary>An image with this configuration, a user anna and a group staff.</summary>
    private void Image(string config)
    {
        File.WriteAllText(_timur.Root + "/config", config);
        _timur.Must("""
            mkdir -p $ROOT/tree/bin $ROOT/tree/etc $ROOT/tree/srv/work $ROOT/tree/tmp $ROOT/tree/home/anna; cp /bin/busybox $ROOT/tree/bin/; /bin/busybox --install -s $ROOT/tree/bin 2>/dev/null
            for f in $ROOT/tree/bin/*; do test -L $f && ln -sf /bin/busybox $f; done
            echo 'root:x:0:0:root:/root:/bin/sh' >$ROOT/tree/etc/passwd; echo 'anna:x:1000:50:Anna:/home/anna:/bin/sh' >>$ROOT/tree/etc/passwd; echo 'root:x:0:' >$ROOT/tree/etc/group; echo 'staff:x:50:' >>$ROOT/tree/etc/group
            mkdir -p $ROOT/layout/blobs/sha256; cd $ROOT/layout; tar -C $ROOT/tree -cf $ROOT/l.tar .
            put() { d=$(sha256sum $1 | cut -c 1-64); cp $1 blobs/sha256/$d; }
            put $ROOT/l.tar; layer=$d; printf '{"architecture":"amd64","os":"linux","config":%s,"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' "$(cat $ROOT/config)" $layer >$ROOT/c; put $ROOT/c; c=$d
            printf '{"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:%s","size":%s},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"sha256:%s","size":%s}]}' $c $(stat -c %s $ROOT/c) $layer $(stat -c %s $ROOT/l.tar) >$ROOT/m; put $ROOT/m
            printf '{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:%s","size":%s,"annotations":{"org.opencontainers.image.ref.name":"img"}}]}' $d $(stat -c %s $ROOT/m) >index.json
            echo '{"imageLayoutVersion":"1.0.0"}' >oci-layout; $T load -i $ROOT/layout
            """);
    }
}
