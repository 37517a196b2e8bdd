using System.Text;

namespace Timur.SystemTests.Registries;

/// <summary>Makes wrong answers of right ones: statuses, headers, lengths, pieces, bodies, and the way in which they come.</summary>
internal sealed class HostileAnswers(Random random)
{
    private static readonly string[] Statuses =
    [
        "0", "-1", "99", "100", "101", "103", "199", "201", "202", "203", "204", "205", "206", "226", "299", "300", "301", "302", "303", "304", "307", "308", "400", "401", "402", "403", "404", "405",
        "406", "407", "408", "409", "410", "411", "412", "413", "414", "415", "416", "417", "418", "421", "422", "425", "426", "428", "429", "431", "451", "500", "501", "502", "503", "504", "505", "511", "599", "600", "999",
        "1000", "abc", "", "200 OK\r\nHTTP/1.1 200", "2 00",
    ];

    private static readonly string[] Names =
    [
        "WWW-Authenticate", "Location", "Content-Range", "Link", "Retry-After", "Docker-Content-Digest", "Content-Length", "Content-Type", "Content-Encoding", "Transfer-Encoding", "Range", "OCI-Chunk-Min-Length",
        "OCI-Subject", "Connection", "Set-Cookie", "Date", "ETag", "Warning", "X", "", " ", ":", "\u00e9",
    ];

    private static readonly string[] Values =
    [
        "", " ", "0", "-1", "1", "99999999999999999999", "9223372036854775807", "Fri, 31 Dec 9999 23:59:59 GMT", "Thu, 01 Jan 1970 00:00:00 GMT", "bytes 0-0/1", "bytes 5-1/2", "bytes */5", "bytes 0-9223372036854775807/*",
        "bytes=0-", "0-99999999999", "5--5", "gzip", "chunked", "chunked, chunked", "identity", "keep-alive, close", "application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.v1+json", "text/html; charset=\"",
        "sha256:", "sha256:00", "sha512:00", "md5:d41d8cd98f00b204e9800998ecf8427e", "sha256:0000000000000000000000000000000000000000000000000000000000000000",
        "/", "//", "?", "#", "http://", "http:///x", "http://127.0.0.1:1/x", "https://127.0.0.1:1/", "ftp://127.0.0.1/", "file:///etc/passwd", "http://[::1", "http://127.0.0.1:99999/", "http://user:pw@127.0.0.1:1/", "\u00ff\u00fe", "%00%ff", "../../../../etc",
        "<http://127.0.0.1:1/>; rel=\"next\"", "<>; rel=next", "</v2/app/tags/list>; rel=next", "<<>>", "Basic", "Basic realm=", "Bearer", "Bearer realm=\"\"", "Bearer realm=\"file:///etc/passwd\"", "Bearer realm=\"http://127.0.0.1:1/\"",
        "Bearer realm=\"HOST/token\",scope=\"SCOPE\",service=\"\u00e9%\u0001\"", "Bearer realm=\"HOST/token\"", "Bearer realm=HOST/token,realm=\"\\\",,=,=\"", "Bearer =,=,Basic x, Bearer realm=\"HOST/token?a=b#c\"", "Negotiate, NTLM",
    ];

    /// <summary>What such an answer looks like on the wire, and whether it is given each time or only once.</summary>
    internal (TestAnswer Answer, bool Always) Of(TestAnswer right, string host)
    {
        bool always = random.Next(3) > 0;
        return (random.Next(13) switch
        {
            0 => Head(One(Statuses), right.Headers, right.Body),
            1 => Head("401", [("WWW-Authenticate", Value(host))], right.Body),
            2 => Head("307", [("Location", Value(host))], []),
            3 => Head(random.Next(2) == 0 ? "429" : "503", [("Retry-After", One(["0", "-5", "999999999", "99999999999999999999", "soon", "Fri, 31 Dec 9999 23:59:59 GMT", "Thu, 01 Jan 1970 00:00:00 GMT"]))], []),
            4 => Head("200", [.. right.Headers, (One(Names), Value(host)), (One(Names), Value(host))], right.Body),
            5 => Head("206", [.. right.Headers, ("Content-Range", Value(host))], right.Body),
            6 => Head("200", [.. right.Headers, ("Content-Length", One(["0", "1", "-1", $"{right.Body.Length - 1}", $"{right.Body.Length + 1}", "99999999999", "9999999999999999999999", "x", "+5", "1, 2"]))], right.Body),
            7 => Head("200", [.. right.Headers, ("Transfer-Encoding", "chunked")], Pieces(right.Body)),
            8 => Head("200", right.Headers, Damaged(right.Body)),
            9 => Head(One(["200", "401", "404", "400"]), right.Headers, Documents()),
            10 => new TestAnswer(200, [], [], Raw: Slow(right)),
            11 => new TestAnswer(200, [], [], Raw: stream => stream.Write(Noise())),
            _ => Head("200", right.Headers, right.Body) with { Raw = null, CutAfter = random.Next(right.Body.Length + 1) },
        }, always);
    }

    /// <summary>An answer without an end.</summary>
    internal static Action<Stream> Endless(string head, string part) => stream =>
    {
        stream.Write(Encoding.Latin1.GetBytes(head));
        byte[] bytes = Encoding.Latin1.GetBytes(string.Concat(Enumerable.Repeat(part, 1 + (60_000 / part.Length))));
        while (true)
        {
            stream.Write(bytes);
        }
    };

    private string Value(string host) => (random.Next(12) == 0 ? new string("aA0/=,\";%"[random.Next(9)], random.Next(70_000)) : One(Values)).Replace("HOST", "http://" + host, StringComparison.Ordinal)
        .Replace("SCOPE", string.Concat(Enumerable.Repeat("repository:x:pull ", random.Next(100))), StringComparison.Ordinal);

    private TestAnswer Head(string status, IReadOnlyList<(string Name, string Value)> headers, byte[] body)
    {
        var head = new StringBuilder($"HTTP/1.1 {status} Status\r\n");
        foreach ((string name, string value) in headers)
        {
            head.Append($"{name}: {value}\r\n");
        }

        bool hasLength = headers.Any(header => header.Name is "Content-Length" or "Transfer-Encoding") || random.Next(4) == 0;
        head.Append(hasLength ? "Connection: close\r\n\r\n" : $"Connection: close\r\nContent-Length: {body.Length}\r\n\r\n");
        return new TestAnswer(200, body, headers, Raw: stream =>
        {
            stream.Write(Encoding.Latin1.GetBytes(head.ToString()));
            stream.Write(body);
        });
    }

    private byte[] Pieces(byte[] body)
    {
        string size = One([$"{body.Length:x}", "0", "-1", "ffffffffffffffff", "7fffffff", "g", "", $"{body.Length:x};ext=\"{new string('x', 20_000)}", $"0x{body.Length:x}", $"{body.Length + 5:x}"]);
        string end = One(["\r\n0\r\n\r\n", "\r\n0\r\nTrailer: x\r\n\r\n", "\r\n", "", "\n\n", "\r\n0\r\n" + string.Concat(Enumerable.Repeat("T: x\r\n", 20_000))]);
        return [.. Encoding.Latin1.GetBytes(size + "\r\n"), .. body, .. Encoding.Latin1.GetBytes(end)];
    }

    private byte[] Damaged(byte[] body)
    {
        byte[] copy = [.. body];
        for (int i = random.Next(4); i >= 0 && copy.Length > 0; i--)
        {
            copy[random.Next(copy.Length)] = (byte)(random.Next(2) == 0 ? random.Next(256) : "{}[]\",:0x"[random.Next(9)]);
        }

        return random.Next(4) switch { 0 => copy[..random.Next(copy.Length + 1)], 1 => [.. copy, .. Noise()], _ => copy };
    }

    private byte[] Documents() => Encoding.UTF8.GetBytes(One(
    [
        "", "null", "[]", "{}", "1e999", "\"\\ud800\"", new string('[', 200_000), string.Concat(Enumerable.Repeat("{\"a\":", 200_000)), "{\"token\":5}", "{\"token\":\"a\\nb\"}", "{\"token\":\"\"}", "{\"token\":\"\\u00e9\"}", "{\"token\":null,\"access_token\":[]}",
        "{\"token\":\"x\",\"expires_in\":9223372036854775807}", "{\"token\":\"x\",\"expires_in\":-9223372036854775808}", "{\"token\":\"x\",\"expires_in\":1e400}", "{\"token\":\"x\",\"expires_in\":\"soon\"}", $"{{\"token\":\"{new string('t', 500_000)}\"}}",
        "{\"errors\":[{\"message\":\"\\u001b[2J\\u0007\"}]}", "{\"errors\":{}}", "{\"errors\":[5]}", "{\"schemaVersion\":1}", "{\"schemaVersion\":2,\"manifests\":[]}", "{\"schemaVersion\":2,\"manifests\":[{}]}", "{\"schemaVersion\":2,\"layers\":[],\"config\":{}}",
        "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\",\"digest\":\"sha256:../../../../../../etc/passwd\",\"size\":3},\"layers\":[]}",
        "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\",\"digest\":\"sha256:" + new string('0', 64) + "\",\"size\":9223372036854775807},\"layers\":[]}",
        "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.index.v1+json\",\"manifests\":[{\"mediaType\":\"application/vnd.oci.image.index.v1+json\",\"digest\":\"sha256:" + new string('0', 64) + "\",\"size\":-1}]}",
        "{\"name\":\"app\",\"tags\":[\"\\u001b\",5,null]}", "{\"repositories\":[[]]}", "<html>", "\u0000",
    ]));

    /// <summary>Little by little, or nothing at all from some byte on.</summary>
    private Action<Stream> Slow(TestAnswer right)
    {
        byte[] whole = [.. Encoding.Latin1.GetBytes($"HTTP/1.1 200 OK\r\nContent-Length: {right.Body.Length}\r\n\r\n"), .. right.Body];
        int stop = random.Next(whole.Length);
        bool drips = random.Next(2) == 0;
        return stream =>
        {
            stream.Write(whole.AsSpan(0, stop));
            for (int i = stop; i < whole.Length && drips; i++)
            {
                stream.Write(whole.AsSpan(i, 1));
                Thread.Sleep(20);
            }

            // Until the client leaves.
            while (!drips && stream.Read(new byte[1]) > 0)
            {
            }
        };
    }

    private byte[] Noise()
    {
        byte[] bytes = new byte[random.Next(3000)];
        random.NextBytes(bytes);
        return bytes;
    }

    private T One<T>(IReadOnlyList<T> list) => list[random.Next(list.Count)];
}
