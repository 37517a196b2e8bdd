using System.Diagnostics;
using Xunit;

namespace Timur.SystemTests.Registries;

/// <summary>What networks and registries do when they are broken or busy: a pull goes on where it was, or ends with a reason and leaves nothing wrong behind.</summary>
public sealed class FaultTests : IDisposable
{
    private readonly TimurCommand _timur = new(ownBinary: true);
    private readonly RegistryServer _registry;
    private readonly FaultProxy _proxy;
    private readonly SampleImage _sample;
    private readonly string _name;

    public FaultTests()
    {
        _registry = new RegistryServer(_timur.Root + "/registry");
        _proxy = new FaultProxy(_registry.Host);
        _sample = new SampleImage(_timur.Root + "/sample");
        _sample.Push($"{_registry.Host}/app:1");
        _name = $"{_proxy.Host}/app:1";
    }

    public void Dispose()
    {
        _proxy.Dispose();
        _registry.Dispose();
        _timur.Dispose();
    }

    [Theory]
    [InlineData(500)]
    [InlineData(503)]
    [InlineData(429)]
    public void A_request_that_fails_for_a_passing_reason_is_tried_again(int status)
    {
        var failed = new HashSet<string>();
        _proxy.Instead = request =>
        {
            lock (failed)
            {
                return request.Target != "/v2/" && failed.Add(request.Target) ? TestAnswer.Plain(status, "", ("Retry-After", "1")) : null;
            }
        };
        AssertPulls();
        Assert.All(_proxy.Requests.Where(request => request.Target != "/v2/").GroupBy(request => request.Target), group => Assert.Equal(2, group.Count()));
    }

    [Theory]
    [InlineData(400)]
    [InlineData(403)]
    [InlineData(404)]
    public void A_request_that_is_refused_is_not_tried_again(int status)
    {
        _proxy.Instead = request => request.IsBlob ? TestAnswer.Plain(status, "{\"errors\":[{\"code\":\"X\",\"message\":\"no\\u001b[2Jluck\"}]}") : null;
        Outcome outcome = _timur.Run("pull", _name);
        Assert.Equal(125, outcome.Code);
        Assert.DoesNotContain("\u001b", outcome.Error);
        Assert.Single(_proxy.Requests, request => request.IsBlob);
        AssertNothingLeft();
    }

    [Fact]
    public void A_body_that_breaks_off_is_taken_up_where_it_broke()
    {
        int cuts = 0;
        _proxy.Spoil = (request, answer) => IsUpper(request) && cuts++ < 3 ? answer with { CutAfter = 400_000 } : answer;
        AssertPulls();
        List<TestRequest> reads = [.. _proxy.Requests.Where(IsUpper)];
        Assert.Equal([null, "bytes=400000-", "bytes=800000-", "bytes=1200000-"], reads.Select(read => read["range"]));
    }

    [Fact]
    public void A_registry_without_ranges_starts_over_and_the_pull_goes_on()
    {
        int cuts = 0;
        byte[] whole = _sample.Bytes(_sample.Layers[1]);
        _proxy.Spoil = (request, answer) => !IsUpper(request) ? answer
            : new TestAnswer(200, whole, [("Content-Type", "application/octet-stream")], cuts++ < 2 ? 900_000 : null);
        AssertPulls();
    }

    [Fact]
    public void Another_range_than_the_wanted_one_is_not_taken_for_it()
    {
        int reads = 0;
        _proxy.Spoil = (request, answer) => !IsUpper(request) ? answer
            : reads++ == 0 ? answer with { CutAfter = 100_000 }
            : answer with { Headers = [.. answer.Headers.Where(header => header.Name != "Content-Range"), ("Content-Range", $"bytes 200000-300000/{_sample.Bytes(_sample.Layers[1]).Length}")] };
        Outcome outcome = _timur.Run("pull", _name);
        Assert.Equal(125, outcome.Code);
        Assert.Contains("another part", outcome.Error);
    }

    [Fact]
    public void Wrong_bytes_are_found_and_not_kept()
    {
        _proxy.Spoil = (request, answer) =>
        {
            if (IsUpper(request))
            {
                answer.Body[^20] ^= 1;
            }

            return answer;
        };
        Outcome outcome = _timur.Run("pull", _name);
        Assert.Equal(125, outcome.Code);
        Assert.Contains($"the registry sent other bytes than those of {_sample.Layers[1]}", outcome.Error);
        Assert.False(File.Exists($"{_timur.Root}/data/images/blobs/{_sample.Layers[1].Replace(':', '-')}"));
        AssertNothingLeft();
        _proxy.Spoil = (_, answer) => answer;
        AssertPulls();
    }

    [Theory]
    [InlineData("manifests")]
    [InlineData("config")]
    public void A_document_that_is_not_what_its_digest_says_is_refused(string which)
    {
        _proxy.Spoil = (request, answer) =>
        {
            if (which == "manifests" ? request.Target.Contains("/manifests/", StringComparison.Ordinal) : request.Target.EndsWith(_sample.Id, StringComparison.Ordinal))
            {
                answer.Body[^3] ^= 1;
            }

            return answer;
        };
        Outcome outcome = _timur.Run("pull", _name);
        Assert.Equal(125, outcome.Code);
        Assert.Contains("the registry sent something else than sha256:", outcome.Error);
        AssertNothingLeft();
    }

    [Fact]
    public void Credentials_stay_with_the_registry_when_it_redirects_to_another_host()
    {
        using var storage = new TestServer(request => new TestAnswer(200, _sample.Bytes("sha256:" + request.Target[1..]), []));
        _proxy.Instead = request => request["authorization"] is null ? TestAnswer.Plain(401, "", ("WWW-Authenticate", "Basic realm=\"here\""))
            : request.IsBlob ? TestAnswer.Plain(307, "", ("Location", $"http://{storage.Host}/{request.Target[(request.Target.IndexOf("sha256:", StringComparison.Ordinal) + 7)..]}")) : null;
        Outcome outcome = _timur.Run("pull", "-q", "--creds", "anna:secret", _name);
        Assert.True(outcome.Code == 0, outcome.ToString());
        Assert.Equal(3, storage.Requests.Count);
        Assert.DoesNotContain(storage.Requests, request => request["authorization"] is not null);
        Assert.Contains(_proxy.Requests, request => request["authorization"] == "Basic YW5uYTpzZWNyZXQ=");
    }

    [Fact]
    public void A_pull_that_is_killed_goes_on_where_it_was()
    {
        var hanging = new ManualResetEventSlim();
        _proxy.Spoil = (request, answer) =>
        {
            if (!IsUpper(request))
            {
                return answer;
            }

            hanging.Set();
            return answer with { CutAfter = 1_000_000, Hang = true };
        };
        string part = $"{_timur.Root}/data/images/blobs/.{_sample.Layers[1].Replace(':', '-')}.part";
        using (Process pull = Process.Start(new ProcessStartInfo("sh", ["-c", $"exec {_timur.Words} pull -q {_name}"]) { RedirectStandardError = true })!)
        {
            Assert.True(hanging.Wait(30_000));
            Assert.True(SpinWait.SpinUntil(() => File.Exists(part) && new FileInfo(part).Length == 1_000_000, 60_000));
            pull.Kill();
            pull.WaitForExit();
        }

        _proxy.Spoil = (_, answer) => answer;
        _proxy.Forget();
        AssertPulls();
        Assert.Equal(["bytes=1000000-"], _proxy.Requests.Where(IsUpper).Select(request => request["range"]));
    }

    [Fact]
    public void What_a_killed_pull_left_is_found_and_removed_by_check()
    {
        _proxy.Spoil = (request, answer) => IsUpper(request) ? answer with { CutAfter = 1_000_000, Hang = true } : answer;
        string part = $"{_timur.Root}/data/images/blobs/.{_sample.Layers[1].Replace(':', '-')}.part";
        using (Process pull = Process.Start(new ProcessStartInfo("sh", ["-c", $"exec {_timur.Words} pull -q {_name}"]) { RedirectStandardError = true })!)
        {
            Assert.True(SpinWait.SpinUntil(() => File.Exists(part) && new FileInfo(part).Length == 1_000_000, 60_000));
            pull.Kill();
            pull.WaitForExit();
        }

        Assert.True(SpinWait.SpinUntil(() => _timur.Run("system", "check", "--repair").Out.Contains(".part", StringComparison.Ordinal), 60_000));
        AssertNothingLeft();
    }

    [Fact]
    public void A_kept_part_that_is_wrong_is_fetched_anew()
    {
        string blobs = _timur.Root + "/data/images/blobs";
        Directory.CreateDirectory(blobs);
        File.WriteAllBytes($"{blobs}/.{_sample.Layers[1].Replace(':', '-')}.part", new byte[5000]);
        AssertPulls();
    }

    private bool IsUpper(TestRequest request) => request.IsBlob && request.Target.EndsWith(_sample.Layers[1], StringComparison.Ordinal);

    private void AssertPulls()
    {
        Outcome outcome = _timur.Run("pull", "-q", _name);
        Assert.True(outcome.Code == 0 && outcome.Out == _sample.Id + "\n", outcome.ToString());
        Assert.Equal(_sample.Bytes(_sample.Layers[1]), File.ReadAllBytes($"{_timur.Root}/data/images/blobs/{_sample.Layers[1].Replace(':', '-')}"));
        Assert.Equal("everything is as recorded\n", _timur.Run("system", "check").Out);
    }

    /// <summary>No image, and nothing that check would find once it is old enough to be nobody's work.</summary>
    private void AssertNothingLeft()
    {
        Assert.Equal("", _timur.Run("images", "-q").Out);
        string blobs = Directory.CreateDirectory(_timur.Root + "/data/images/blobs").FullName;
        SpinWait.SpinUntil(
            () =>
            {
                _timur.Run("system", "check", "--repair");
                return Directory.GetFiles(blobs).Length == 0;
            },
            20_000);
        Assert.Empty(Directory.GetFiles(blobs));
    }
}
