using System.Text;
using Timur.Digests;
using Timur.Images.Registry;
using Timur.SystemTests.Layers;

namespace Timur.SystemTests.Registries;

/// <summary>A registry in memory that does what the test says, in ways that real ones seldom show; one repository, <c>app</c>.</summary>
internal sealed class FakeRegistry : IDisposable
{
    private readonly TestServer _server;
    private readonly Dictionary<string, (string Type, byte[] Bytes)> _contents = [];
    private readonly MemoryStream _upload = new();

    internal FakeRegistry() => _server = new TestServer(request => Instead(request) ?? Answer(request));

    internal string Host => _server.Host;

    internal List<TestRequest> Requests => _server.Requests;

    /// <summary>Answers instead of it; null lets it answer.</summary>
    internal Func<TestRequest, TestAnswer?> Instead { get; set; } = _ => null;

    /// <summary>Where an upload goes on.</summary>
    internal string Location { get; set; } = "/v2/app/blobs/uploads/1?state=a";

    /// <summary>Headers of the answer that begins an upload.</summary>
    internal List<(string Name, string Value)> Begun { get; } = [];

    /// <summary>Bytes that came with PATCH so far.</summary>
    internal long Uploaded => _upload.Length;

    public void Dispose() => _server.Dispose();

    /// <summary>What is stored under a path of the repository, such as <c>manifests/1</c>.</summary>
    internal byte[] this[string place] => _contents["/v2/app/" + place].Bytes;

    internal bool Has(string place) => _contents.ContainsKey("/v2/app/" + place);

    internal void Add(string place, string type, byte[] bytes) => _contents["/v2/app/" + place] = (type, bytes);

    /// <summary>A descriptor of something that is stored as a blob from now on.</summary>
    internal string Blob(string type, byte[] bytes, string? digest = null, long? size = null)
    {
        string known = digest ?? Digest.Of(bytes).ToString();
        Add($"blobs/{known}", "application/octet-stream", bytes);
        return $$"""{"mediaType":"{{type}}","digest":"{{known}}","size":{{size ?? bytes.Length}}}""";
    }

    /// <summary>An image of one layer under the tag 1.</summary>
    /// <param name="packed">The layer as it is stored.</param>
    /// <param name="plain">Its plain archive.</param>
    /// <param name="digests">Makes digests of blobs; null for sha256.</param>
    /// <returns>The image's id.</returns>
    internal string AddImage(byte[] packed, byte[] plain, string layerType = MediaTypes.OciLayerGzip, Func<byte[], string>? digests = null, long? layerSize = null, long? configSize = null, string more = "")
    {
        byte[] config = Encoding.UTF8.GetBytes($$"""{"architecture":"{{Platform.Own.Architecture}}","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":["{{Digest.Of(plain)}}"]} }""");
        string layer = Blob(layerType, packed, digests?.Invoke(packed), layerSize);
        Add("manifests/1", MediaTypes.OciManifest, Encoding.UTF8.GetBytes(
            $$"""{"schemaVersion":2,"mediaType":"{{MediaTypes.OciManifest}}",{{more}}"config":{{Blob(MediaTypes.OciConfig, config, digests?.Invoke(config), configSize)}},"layers":[{{layer}}]}"""));
        return Digest.Of(config).ToString();
    }

    /// <summary>As the other, with a plain layer.</summary>
    internal string AddImage()
    {
        byte[] layer = new TarBuilder().File("f", new string('x', 300_000)).Bytes;
        return AddImage(layer, layer);
    }

    private TestAnswer Answer(TestRequest request)
    {
        string path = request.Target.Split('?')[0];
        switch (request.Method)
        {
            case "GET" or "HEAD" when _contents.TryGetValue(path, out var content):
                return new TestAnswer(200, content.Bytes, [("Content-Type", content.Type)]);
            case "GET" when path == "/v2/": return TestAnswer.Plain(200, "{}");
            case "GET" when path.Contains("/uploads/", StringComparison.Ordinal): return TestAnswer.Plain(204, "", ("Location", Location), ("Range", $"0-{Uploaded - 1}"));
            case "POST":
                _upload.SetLength(0);
                return new TestAnswer(202, [], [("Location", Location), .. Begun]);
            case "PATCH" when request["content-range"] != $"{Uploaded}-{Uploaded + request.Body.Length - 1}": return TestAnswer.Plain(416);
            case "PATCH":
                _upload.Write(request.Body);
                return TestAnswer.Plain(202, "", ("Location", Location));
            case "PUT" when path.Contains("/uploads/", StringComparison.Ordinal):
                _upload.Write(request.Body);
                string digest = Uri.UnescapeDataString(request.Target.Split("digest=")[1]);
                byte[] bytes = _upload.ToArray();
                Add($"blobs/{digest}", "application/octet-stream", bytes);
                return TestAnswer.Plain(Digest.Of(bytes).ToString() == digest ? 201 : 400);
            case "PUT":
                _contents[path] = (request["content-type"]!, request.Body);
                return TestAnswer.Plain(201);
            default: return TestAnswer.Plain(404, "{}");
        }
    }
}
