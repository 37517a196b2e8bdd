using System.Globalization;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using Timur.Cli;
using Timur.Digests;
using Timur.Images;
using Timur.Images.Registry;
using Timur.State;
using Timur.SystemTests.Layers;
using Xunit;

namespace Timur.SystemTests.Registries;

/// <summary>Clauses of the distribution-spec, of Docker's token specification and of HTTP that real registries seldom show.</summary>
public sealed class ProtocolTests : IDisposable
{
    private readonly TimurCommand _timur = new();
    private readonly FakeRegistry _registry = new();
    private readonly ImageStore _store;

    public ProtocolTests() => _store = ImageStore.Open(new DataPaths(_timur.Root + "/data", _timur.Root + "/run"), settles: false);

    public void Dispose()
    {
        _registry.Dispose();
        _timur.Dispose();
    }

    [Fact]
    public void Every_kind_of_manifest_is_asked_for()
    {
        string id = _registry.AddImage();
        _registry.Add("manifests/1", "Application/vnd.oci.image.manifest.v1+json; charset=utf-8; x=\"y\"", _registry["manifests/1"]);
        Assert.Equal(id, Pull());
        string accept = _registry.Requests.First(request => request.Target.EndsWith("/manifests/1", StringComparison.Ordinal))["accept"]!;
        Assert.All(MediaTypes.Accepted, type => Assert.Contains(type, accept));
        Assert.Equal(4, MediaTypes.Accepted.Count);
    }

    [Fact]
    public void A_manifest_of_four_megabytes_works_and_one_beyond_all_measure_does_not()
    {
        byte[] layer = new TarBuilder().File("f").Bytes;
        string id = _registry.AddImage(layer, layer, more: $"\"annotations\":{{\"a\":\"{new string('a', 4 << 20)}\"}},");
        Assert.Equal(id, Pull());
        Assert.True(_timur.Run("rmi", Name).Code == 0);
        _registry.AddImage(layer, layer, more: $"\"annotations\":{{\"a\":\"{new string('a', 9 << 20)}\"}},");
        Assert.Contains("where a small document belongs", Refused());
    }

    [Fact]
    public void Layers_and_configurations_may_have_digests_of_sha512()
    {
        byte[] layer = new TarBuilder().File("f").Bytes;
        string id = _registry.AddImage(layer, layer, digests: bytes => "sha512:" + Convert.ToHexStringLower(SHA512.HashData(bytes)));
        Assert.Equal(id, Pull());
        Assert.Equal("everything is as recorded\n", _timur.Run("system", "check", "--digests").Out);
        _timur.Run("rmi", Name);
        _registry.AddImage(layer, layer, digests: bytes => "sha512:" + Convert.ToHexStringLower(SHA512.HashData([.. bytes, 0])));
        Assert.Contains("something else than sha512:", Refused());
    }

    [Theory]
    [InlineData(1, null)]
    [InlineData(-1, null)]
    [InlineData(null, 1)]
    [InlineData(null, -1)]
    public void A_size_that_is_wrong_is_refused(int? layerOff, int? configOff)
    {
        byte[] layer = new TarBuilder().File("f").Bytes;
        string id = _registry.AddImage(layer, layer);
        int configSize = _registry[$"blobs/{id}"].Length;
        _registry.AddImage(layer, layer, layerSize: layer.Length + layerOff, configSize: configSize + configOff);
        Refused();
        Assert.Empty(_store.List());
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(7, false)]
    public void An_index_in_an_index_is_followed_and_its_sizes_count(int off, bool works)
    {
        string id = _registry.AddImage();
        byte[] bytes = _registry["manifests/1"];
        string type = MediaTypes.OciManifest;
        for (int depth = 0; depth < 2; depth++)
        {
            _registry.Add($"manifests/{Digest.Of(bytes)}", type, bytes);
            string platform = $"\"platform\":{{\"os\":\"linux\",\"architecture\":\"{Platform.Own.Architecture}\"}}";
            string attestation = $$"""{"mediaType":"{{MediaTypes.OciManifest}}","digest":"sha256:{{new string('0', 64)}}","size":2,"platform":{"os":"unknown","architecture":"unknown"} }""";
            bytes = Encoding.UTF8.GetBytes($$"""{"schemaVersion":2,"manifests":[{{attestation}},{"mediaType":"{{type}}","digest":"{{Digest.Of(bytes)}}","size":{{bytes.Length + off}}{{(depth == 0 ? "," + platform : "")}}}]}""");
            type = MediaTypes.OciIndex;
        }

        _registry.Add("manifests/1", type, bytes);
        if (works)
        {
            Assert.Equal(id, Pull());
        }
        else
        {
            Assert.Contains("the index says", Refused());
        }
    }

    [Theory]
    [InlineData("plain", MediaTypes.OciLayerGzip)]
    [InlineData("gzip", "application/vnd.oci.image.layer.v1.tar+zstd")]
    [InlineData("gzip in members", "application/vnd.docker.image.rootfs.diff.tar.gzip")]
    [InlineData("zstd in frames", "application/vnd.oci.image.layer.v1.tar")]
    public void A_layer_is_what_its_bytes_say(string how, string type)
    {
        byte[] plain = new TarBuilder().File("f", new string('x', 100_000)).Bytes;
        byte[] packed = how switch
        {
            "plain" => plain,
            "gzip" => Gzip(plain),
            "gzip in members" => [.. Gzip(plain[..1000]), .. Gzip([]), .. Gzip(plain[1000..])],
            _ => [0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3, .. Zstd(plain[..1000]), 0x5f, 0x2a, 0x4d, 0x18, 0, 0, 0, 0, .. Zstd(plain[1000..]), 0x5a, 0x2a, 0x4d, 0x18, 1, 0, 0, 0, 9],
        };
        Assert.Equal(_registry.AddImage(packed, plain, type), Pull());
    }

    [Theory]
    [InlineData("nothing", "")]
    [InlineData("zeroes", "\0\0\0\0\0\0\0\0\0\0")]
    [InlineData("anything", "what nobody reads")]
    public void What_stands_behind_the_end_of_an_archive_or_is_missing_there_counts_for_its_digest(string what, string trailing)
    {
        byte[] whole = new TarBuilder().File("f").Bytes;
        byte[] plain = what == "nothing" ? whole[..^1024] : [.. whole, .. Encoding.Latin1.GetBytes(trailing)];
        Assert.Equal(_registry.AddImage(Gzip(plain), plain), Pull());
        Assert.Equal(0, _timur.Run("rmi", Name).Code);
        _registry.AddImage(Gzip(plain), whole);
        Assert.Contains("but the image names", Refused());
    }

    [Fact]
    public void A_range_that_can_not_be_had_is_got_from_the_start()
    {
        string id = _registry.AddImage();
        int cuts = 0;
        _registry.Instead = request => !request.IsBlob || request.Target.EndsWith(id, StringComparison.Ordinal) ? null
            : request["range"] is not null ? TestAnswer.Plain(416, "", ("Content-Range", "bytes */1"))
            : cuts++ == 0 ? new TestAnswer(200, _registry[request.Target["/v2/app/".Length..]], [], CutAfter: 100_000) : null;
        Assert.Equal(id, Pull());
        Assert.Equal([null, "bytes=100000-", null], _registry.Requests.Where(request => request.IsBlob && !request.Target.EndsWith(id, StringComparison.Ordinal)).Select(request => request["range"]));
    }

    [Fact]
    public void A_wait_is_asked_for_in_seconds_or_as_a_date_and_too_long_a_one_is_an_end()
    {
        string id = _registry.AddImage();
        int refused = 0;
        string date = DateTimeOffset.UtcNow.AddDays(1).ToString("r", CultureInfo.InvariantCulture);
        _registry.Instead = request => request.Target.Contains("/manifests/", StringComparison.Ordinal) && refused++ == 0 ? TestAnswer.Plain(429, "", ("Retry-After", "Thu, 01 Jan 1970 00:00:00 GMT")) : null;
        Assert.Equal(id, Pull());
        Assert.Equal(2, refused);
        foreach (string wait in (string[])[date, "86400"])
        {
            refused = 0;
            _registry.Instead = request => request.Target.Contains("/manifests/", StringComparison.Ordinal) && refused++ >= 0 ? TestAnswer.Plain(429, "", ("Retry-After", wait)) : null;
            Assert.Contains("429", Refused());
            Assert.Equal(1, refused);
        }
    }

    [Theory]
    [InlineData("Bearer realm=\"http://HOST/token\"", 1)]
    [InlineData("Negotiate, Basic realm=\"a, b\", Bearer realm=\"http://HOST/token\",service=\"x,y\",scope=\"repository:app:pull\"", 1)]
    [InlineData("Basic realm=\"only, this\"", 0)]
    public void The_best_challenge_is_taken_and_a_token_without_an_end_serves_for_all_of_a_pull(string challenge, int tokens)
    {
        string id = _registry.AddImage();
        _registry.Instead = request => request.Target.StartsWith("/token", StringComparison.Ordinal) ? TestAnswer.Plain(request["authorization"] == Basic ? 200 : 401, "{\"access_token\":\"tok\"}")
            : request["authorization"] == (tokens > 0 ? "Bearer tok" : Basic) ? null : TestAnswer.Plain(401, "", ("WWW-Authenticate", challenge.Replace("HOST", _registry.Host, StringComparison.Ordinal)));
        Assert.Equal(id, Pull(Settings with { Credentials = "anna:secret" }));
        List<string> asked = [.. _registry.Requests.Where(request => request.Target.StartsWith("/token", StringComparison.Ordinal)).Select(request => request.Target)];
        Assert.Equal(tokens, asked.Count);
        Assert.All(asked, target => Assert.Contains("scope=repository%3Aapp%3Apull", target));
    }

    [Fact]
    public void A_token_server_that_knows_no_identity_tokens_is_asked_in_the_older_way()
    {
        string id = _registry.AddImage();
        File.WriteAllText(_timur.Root + "/auth.json", $$"""{"auths":{"{{_registry.Host}}":{"auth":"YW5uYTpzZWNyZXQ=","identitytoken":"who"} } }""");
        _registry.Instead = request => request.Target.StartsWith("/token", StringComparison.Ordinal) ? request.Method == "POST" ? TestAnswer.Plain(404) : TestAnswer.Plain(200, "{\"token\":\"tok\"}")
            : request["authorization"] == "Bearer tok" ? null : TestAnswer.Plain(401, "", ("WWW-Authenticate", $"Bearer realm=\"http://{_registry.Host}/token\""));
        Assert.Equal(id, Pull(Settings with { AuthFile = _timur.Root + "/auth.json" }));
        List<TestRequest> asked = [.. _registry.Requests.Where(request => request.Target.StartsWith("/token", StringComparison.Ordinal))];
        Assert.Equal(["POST", "GET"], asked.Select(request => request.Method));
        Assert.Contains("grant_type=refresh_token", Encoding.ASCII.GetString(asked[0].Body));
        Assert.Equal(Basic, asked[1]["authorization"]);
    }

    [Theory]
    [InlineData("relative", 100_000)]
    [InlineData("absolute", 100_000)]
    [InlineData("least", 150_000)]
    [InlineData("lost", 100_000)]
    [InlineData("whole", 1 << 30)]
    public void A_push_goes_where_the_registry_says_in_the_pieces_it_wants_and_names_the_manifest_last(string how, int piece)
    {
        string id = _registry.AddImage();
        Pull();
        using var target = new FakeRegistry();
        target.Location = how == "absolute" ? $"http://{target.Host}/v2/app/blobs/uploads/1" : target.Location;
        if (how == "least")
        {
            target.Begun.Add(("OCI-Chunk-Min-Length", "150000"));
        }

        bool isLost = false;
        target.Instead = request => how == "lost" && request.Method == "PATCH" && target.Uploaded == 100_000 && !isLost && (isLost = true) ? TestAnswer.Plain(416) : null;
        Image image = _store.Resolve(Name);
        new ImagePush(_store, Settings with { PieceSize = piece == 150_000 ? 100_000 : piece }, new QuietTransfers()).Push(image, ImageName.Parse($"{target.Host}/app:2"));
        Assert.Equal(_registry["manifests/1"], target["manifests/2"]);
        Assert.True(target.Has($"blobs/{id}"));
        List<TestRequest> sent = target.Requests;
        Assert.StartsWith("/v2/app/manifests/2", sent[^1].Target);
        Assert.Equal("PUT", sent[^1].Method);
        int size = sent.Where(request => request.Method == "PATCH").Select(request => request.Body.Length).FirstOrDefault();
        Assert.Equal(how == "whole" ? 0 : piece, size);
        Assert.Equal(how == "lost", sent.Exists(request => request.Method == "GET" && request.Target.Contains("/uploads/", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("0-99999999999999")]
    [InlineData("0--7")]
    [InlineData("garbage")]
    public void A_registry_that_is_confused_about_how_far_an_upload_has_come_gets_it_from_the_start_or_not_at_all(string range)
    {
        _registry.AddImage();
        Pull();
        using var target = new FakeRegistry();
        target.Instead = request => request.Method == "PATCH" && target.Uploaded > 0 ? TestAnswer.Plain(416)
            : request.Method == "GET" && request.Target.Contains("/uploads/", StringComparison.Ordinal) ? TestAnswer.Plain(204, "", ("Location", target.Location), ("Range", range)) : null;
        Failure failure = Assert.Throws<Failure>(() => new ImagePush(_store, Settings with { PieceSize = 100_000 }, new QuietTransfers()).Push(_store.Resolve(Name), ImageName.Parse($"{target.Host}/app:2")));
        Assert.Contains("416", failure.Message);
        Assert.False(target.Has("manifests/2"));
    }

    [Fact]
    public void A_mount_that_the_registry_does_not_do_goes_on_as_an_upload()
    {
        _registry.AddImage();
        Pull();
        new ImagePush(_store, Settings, new QuietTransfers()).Push(_store.Resolve(Name), ImageName.Parse($"{_registry.Host}/other:1"));
        List<TestRequest> begun = [.. _registry.Requests.Where(request => request.Method == "POST")];
        Assert.Contains(begun, request => request.Target.Contains("mount=sha256", StringComparison.Ordinal) && request.Target.EndsWith("from=app", StringComparison.Ordinal));
        Assert.Equal(2, _registry.Requests.Count(request => request.Method == "PUT" && request.Target.Contains("/uploads/", StringComparison.Ordinal)));
    }

    private static string Basic => "Basic " + Convert.ToBase64String("anna:secret"u8);

    private static RegistrySettings Settings => new(TlsVerify: false, AuthFile: "/dev/null") { Patience = new Patience(TimeSpan.FromSeconds(60), TimeSpan.FromMilliseconds(5)) };

    private string Name => $"{_registry.Host}/app:1";

    private string Pull(RegistrySettings? settings = null) => "sha256:" + new ImagePull(_store, settings ?? Settings, new QuietTransfers()).Pull(Name, null).Image.Id;

    private string Refused() => Assert.Throws<Failure>(() => Pull()).Message;

    private static byte[] Gzip(byte[] bytes)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest))
        {
            gzip.Write(bytes);
        }

        return packed.ToArray();
    }

    private byte[] Zstd(byte[] bytes)
    {
        string file = _timur.Root + "/piece";
        File.WriteAllBytes(file, bytes);
        Assert.Equal(0, TimurCommand.Execute("zstd", ["-qf", file, "-o", file + ".zst"]).Code);
        return File.ReadAllBytes(file + ".zst");
    }
}
