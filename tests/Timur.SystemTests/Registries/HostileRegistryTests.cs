using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;
using Timur.Cli;
using Timur.Digests;
using Timur.Images;
using Timur.Images.Registry;
using Timur.Kernel;
using Timur.State;
using Timur.SystemTests.Layers;
using Xunit;
using Xunit.Abstractions;

namespace Timur.SystemTests.Registries;

/// <summary>
/// A registry that answers anything at all, over HTTP: pulls, pushes and lists end well or in a message, soon, and leave nothing. <c>TIMUR_SEED</c> (printed with each failure) repeats a run.
/// </summary>
public sealed class HostileRegistryTests : IDisposable
{
    private const int Cases = 400;
    private const int AtOnce = 24;

    private static readonly Patience Short = new(TimeSpan.FromMilliseconds(400), TimeSpan.FromMilliseconds(2));

    private readonly ITestOutputHelper _output;
    private readonly string _home = Directory.CreateTempSubdirectory("timur-test-").FullName;
    private readonly Dictionary<string, (string Type, byte[] Bytes)> _contents = [];
    private readonly string _id;

    public HostileRegistryTests(ITestOutputHelper output)
    {
        _output = output;
        byte[] first = new TarBuilder().Directory("etc/").File("etc/one", "one").Bytes;
        byte[] second = new TarBuilder().File("etc/.wh.one").File("two", new string('2', 100_000)).Bytes;
        byte[] config = Encoding.UTF8.GetBytes($$"""{"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":["{{Digest.Of(first)}}","{{Digest.Of(second)}}"]} }""");
        _id = Digest.Of(config).Hex;
        byte[] manifest = Encoding.UTF8.GetBytes($$"""
            {"schemaVersion":2,"mediaType":"{{MediaTypes.OciManifest}}","config":{{Part(MediaTypes.OciConfig, config)}},"layers":[{{Part(MediaTypes.OciLayerGzip, first)}},{{Part(MediaTypes.OciLayerGzip, second)}}]}
            """);
        byte[] index = Encoding.UTF8.GetBytes($$"""{"schemaVersion":2,"mediaType":"{{MediaTypes.OciIndex}}","manifests":[{"platform":{"os":"linux","architecture":"{{Platform.Own.Architecture}}"},{{Part(MediaTypes.OciManifest, manifest)[1..]}}]}""");
        _contents["/v2/app/manifests/1"] = (MediaTypes.OciIndex, index);
        _contents[$"/v2/app/manifests/{Digest.Of(manifest)}"] = (MediaTypes.OciManifest, manifest);
        foreach (byte[] blob in (byte[][])[config, first, second])
        {
            _contents[$"/v2/app/blobs/{Digest.Of(blob)}"] = ("application/octet-stream", blob);
        }

        _contents["/v2/app/tags/list"] = ("application/json", "{\"name\":\"app\",\"tags\":[\"1\"]}"u8.ToArray());
        _contents["/token"] = ("application/json", "{\"token\":\"t\"}"u8.ToArray());
    }

    public void Dispose() => Directories.RemoveTree(_home);

    [Fact]
    public void Whatever_a_registry_answers_a_pull_ends_well_or_in_a_message_and_leaves_nothing()
        => Run(Cases, (index, random, host) =>
        {
            string root = $"{_home}/{index}";
            var store = ImageStore.Open(new DataPaths(root, root + "/run"), settles: false);
            bool fine = Ends(index, () => Assert.Equal(_id, new ImagePull(store, Settings(index), new QuietTransfers()).Pull($"{host}/app:1", null).Image.Id));
            if (!fine)
            {
                Assert.Empty(store.List());
                Assert.Empty(Directory.EnumerateFiles(Directory.CreateDirectory(root).FullName, "*.json", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0 }));
                Assert.DoesNotContain(new ImageLeftovers(store).Unfinished(), path => !path.EndsWith(".part", StringComparison.Ordinal));
            }

            foreach (string blob in Directory.Exists(store.Blobs.Blobs) ? Directory.GetFiles(store.Blobs.Blobs, "sha256-*") : [])
            {
                Assert.Equal(Path.GetFileName(blob)["sha256-".Length..], Digest.Of(File.ReadAllBytes(blob)).Hex);
            }

            Directories.RemoveTree(root);
            return fine;
        });

    [Fact]
    public void Whatever_a_registry_answers_a_push_ends_well_or_in_a_message()
    {
        string root = _home + "/store";
        var store = ImageStore.Open(new DataPaths(root, root + "/run"), settles: false);
        Image image = Pulled(store);
        Run(Cases / 2, (index, random, host) => Ends(index, () => new ImagePush(store, Settings(index), new QuietTransfers()).Push(image, ImageName.Parse($"{host}/app:1"))));
    }

    [Fact]
    public void Whatever_a_registry_answers_a_list_of_tags_ends_well_or_in_a_message()
        => Run(Cases / 4, (index, random, host) => Ends(index, () => Timur.Images.TagList.Get(Settings(index), $"{host}/app")));

    [Theory]
    [InlineData("pages in a circle", "leads back to a page before")]
    [InlineData("pages without an end", "never ends")]
    [InlineData("redirects in a circle", "round in a circle")]
    public void What_leads_on_for_ever_is_given_up(string how, string message)
    {
        int page = 0;
        using var server = new TestServer(request => how switch
        {
            "pages in a circle" => TestAnswer.Plain(200, "{\"tags\":[\"x\"]}", ("Link", $"</v2/app/tags/list?n={page++ % 3}>; rel=\"next\"")),
            "pages without an end" => TestAnswer.Plain(200, $"{{\"tags\":[{string.Join(',', Enumerable.Repeat("\"x\"", 500_000))}]}}", ("Link", $"</v2/app/tags/list?n={page++}>; rel=\"next\"")),
            _ => TestAnswer.Plain(307, "", ("Location", request.Target + "x")),
        });
        Failure failure = Assert.Throws<Failure>(() => Timur.Images.TagList.Get(Settings(0), $"{server.Host}/app"));
        Assert.Contains(message, failure.Message);
    }

    [Theory]
    [InlineData(2, true)]
    [InlineData(30, false)]
    public void An_index_of_a_thousand_indexes_of_as_many_is_followed_along_one_path(int levels, bool isFine)
    {
        var contents = new Dictionary<string, byte[]>();
        byte[] document = _contents["/v2/app/manifests/1"].Bytes;
        for (int level = 0; level < levels; level++)
        {
            contents[$"/v2/app/manifests/{Digest.Of(document)}"] = document;
            string entry = Part(MediaTypes.OciIndex, document);
            document = Encoding.UTF8.GetBytes($$"""{"schemaVersion":2,"mediaType":"{{MediaTypes.OciIndex}}","manifests":[{{string.Join(',', Enumerable.Repeat(entry, 1000))}}]}""");
        }

        contents["/v2/app/manifests/1"] = document;
        using var server = new TestServer(request => contents.TryGetValue(request.Target, out byte[]? index)
            ? new TestAnswer(200, index, [("Content-Type", MediaTypes.OciIndex)]) : Right(request));
        var store = ImageStore.Open(new DataPaths(_home + "/graph", _home + "/graph/run"), settles: false);
        Exception? thrown = Record.Exception(() => new ImagePull(store, Settings(0) with { Patience = Patience.Usual }, new QuietTransfers()).Pull($"{server.Host}/app:1", null));
        Assert.True(isFine ? thrown is null : thrown is Failure { Message: var message } && message.EndsWith("is an index of indexes of indexes", StringComparison.Ordinal), $"{thrown}");
        Assert.InRange(server.Requests.Count(request => request.Method == "GET" && request.Target.Contains("/manifests/", StringComparison.Ordinal)), 1, 8);
    }

    [Theory]
    [InlineData("manifest", "/manifests/1")]
    [InlineData("reason", "/manifests/1")]
    [InlineData("headers", "/manifests/1")]
    [InlineData("pieces", "/manifests/1")]
    [InlineData("token", "/token")]
    [InlineData("layer", "/blobs/")]
    public void An_answer_without_an_end_takes_little_memory(string what, string place)
    {
        using var server = new TestServer(request => !request.Target.Contains(place, StringComparison.Ordinal)
            ? what == "token" ? TestAnswer.Plain(401, "", ("WWW-Authenticate", $"Bearer realm=\"http://{request["host"]}/token\"")) : Right(request)
            : new TestAnswer(200, [], [], Raw: what switch
            {
                "headers" => HostileAnswers.Endless("HTTP/1.1 200 OK\r\n", "X: y\r\n"),
                "pieces" => HostileAnswers.Endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\n{\r\n"),
                "reason" => HostileAnswers.Endless("HTTP/1.1 400 No\r\n\r\n", "{\"errors\":["),
                _ => HostileAnswers.Endless("HTTP/1.1 200 OK\r\n\r\n", "{\"a\":"),
            }));
        using var timur = new TimurCommand();
        (Outcome outcome, long peak) = Measured(timur, $"pull {server.Host}/app:1");
        _output.WriteLine($"{what}: {peak >> 20} MB; {outcome.Error}");
        Assert.True(outcome.Code == 125 && !outcome.Error.Contains("   at ", StringComparison.Ordinal) && !outcome.Error.Contains("defect", StringComparison.Ordinal), outcome.ToString());
        Assert.InRange(peak, 1 << 20, 150L << 20);
        Assert.Equal("", timur.Run("images", "-q").Out);
    }

    private static RegistrySettings Settings(int index) => new(TlsVerify: false, Credentials: index % 2 == 0 ? "anna:secret" : null, AuthFile: "/dev/null") { Patience = Short };

    private static string Part(string type, byte[] bytes) => $$"""{"mediaType":"{{type}}","digest":"{{Digest.Of(bytes)}}","size":{{bytes.Length}}}""";

    /// <summary>What a good registry would answer.</summary>
    private TestAnswer Right(TestRequest request) => (request.Method, request.Target.Split('?')[0]) switch
    {
        ("GET", var path) when _contents.TryGetValue(path, out var content) => new TestAnswer(200, content.Bytes, [("Content-Type", content.Type)]),
        ("GET", "/v2/") => TestAnswer.Plain(200, "{}"),
        ("POST", _) => TestAnswer.Plain(202, "", ("Location", "/v2/app/blobs/uploads/1")),
        ("PATCH", _) => TestAnswer.Plain(202, "", ("Location", "/v2/app/blobs/uploads/1")),
        ("PUT", _) => TestAnswer.Plain(201, "", ("Location", "/v2/app/blobs/1")),
        _ => TestAnswer.Plain(404, "{}"),
    };

    private Image Pulled(ImageStore store)
    {
        using var server = new TestServer(Right);
        return new ImagePull(store, Settings(0) with { Patience = Patience.Usual }, new QuietTransfers()).Pull($"{server.Host}/app:1", null).Image;
    }

    /// <summary>Each case has one kind of request answered wrongly, the others rightly.</summary>
    private void Run(int cases, Func<int, Random, string, bool> attempt)
    {
        int seed = int.TryParse(Environment.GetEnvironmentVariable("TIMUR_SEED"), out int given) ? given : Random.Shared.Next();
        _output.WriteLine($"TIMUR_SEED={seed}");
        int next = -1;
        int fine = 0;
        var wrong = new ConcurrentBag<string>();
        List<Thread> threads = [.. Enumerable.Range(0, AtOnce).Select(_ => new Thread(() =>
        {
            for (int index; (index = Interlocked.Increment(ref next)) < cases;)
            {
                try
                {
                    Interlocked.Add(ref fine, Case(index, new Random(seed + index), attempt) ? 1 : 0);
                }
#pragma warning disable CA1031 // all of them are shown
                catch (Exception e)
#pragma warning restore CA1031
                {
                    wrong.Add($"TIMUR_SEED={seed}, case {index}: {e}");
                }
            }
        }))];
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());
        _output.WriteLine($"{fine} of {cases} ended well");
        Assert.True(wrong.IsEmpty, $"{wrong.Count} of {cases}:\n" + string.Join("\n\n", wrong.Take(5)));

        // Both ends occur, else nothing was tried.
        Assert.InRange(fine, 1, cases - (cases / 20));
    }

    private bool Case(int index, Random random, Func<int, Random, string, bool> attempt)
    {
        var answers = new HostileAnswers(random);
        int target = random.Next(7);
        TestAnswer? spoilt = null;
        bool always = false;
        using var server = new TestServer(request =>
        {
            int kind = Array.FindIndex(["/token", "/manifests/1", "/manifests/", "/blobs/uploads", "/blobs/", "/v2/"], request.Target.Contains);
            TestAnswer right = Right(request);
            lock (answers)
            {
                bool isNew = spoilt is null;
                if ((kind != target && target < 6) || (!isNew && !always))
                {
                    // Half of the registries want a token first.
                    return index % 4 == 1 && kind > 0 && request["authorization"] is null ? TestAnswer.Plain(401, "", ("WWW-Authenticate", $"Bearer realm=\"http://{request["host"]}/token\"")) : right;
                }

                if (isNew)
                {
                    (spoilt, always) = answers.Of(right, request["host"]!);
                }

                return spoilt!;
            }
        });
        return attempt(index, random, server.Host);
    }

    /// <summary>Whether it succeeded; its only other way to end is a message for people.</summary>
    private static bool Ends(int index, Action action)
    {
        try
        {
            action();
            return true;
        }
        catch (Failure e)
        {
            Assert.True(e.Message.Length > 10 && !e.Message.Any(c => char.IsControl(c) && c != '\n'), $"case {index}: {e.Message}");
            return false;
        }
    }

    private static (Outcome Outcome, long Peak) Measured(TimurCommand timur, string words)
    {
        using Process process = Process.Start(new ProcessStartInfo("sh", ["-c", $"exec {timur.Words} {words}"]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        long peak = 0;
        while (!process.HasExited)
        {
            string? line = Files.TryReadText($"/proc/{process.Id}/status", out _)?.Split('\n').FirstOrDefault(text => text.StartsWith("VmHWM:", StringComparison.Ordinal));
            peak = Math.Max(peak, line is null ? 0 : long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]) * 1024);
            Thread.Sleep(5);
        }

        return (new Outcome(process.ExitCode, process.StandardOutput.ReadToEnd(), error.Result), peak);
    }
}
