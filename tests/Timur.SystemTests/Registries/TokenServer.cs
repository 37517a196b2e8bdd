using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;

namespace Timur.SystemTests.Registries;

/// <summary>Gives tokens that docker-registry believes (its "token" authentication: a JSON web token with the signer's certificate), to anna with the password secret.</summary>
internal sealed class TokenServer : IDisposable
{
    private const string Basic = "Basic YW5uYTpzZWNyZXQ=";
    internal const string IdentityToken = "identity-of-anna";
    private readonly RSA _key = RSA.Create(2048);
    private readonly X509Certificate2 _certificate;
    private readonly TestServer _server;

    internal TokenServer(string directory)
    {
        _certificate = new CertificateRequest("CN=tokens", _key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1).CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        CertificateFile = directory + "/tokens.crt";
        File.WriteAllText(CertificateFile, _certificate.ExportCertificatePem());
        _server = new TestServer(Answer);
    }

    internal string CertificateFile { get; }

    internal List<TestRequest> Requests => _server.Requests;

    /// <summary>What answers say of a token's life, as JSON; the registry believes each for five minutes.</summary>
    internal string Lifetime { get; set; } = ",\"expires_in\":300";

    /// <summary>The registry's configuration.</summary>
    internal string Section => $"auth:\n  token:\n    realm: http://{_server.Host}/token\n    service: registry\n    issuer: tokens\n    rootcertbundle: {CertificateFile}\n";

    public void Dispose()
    {
        _server.Dispose();
        _certificate.Dispose();
        _key.Dispose();
    }

    private TestAnswer Answer(TestRequest request)
    {
        var form = Parameters(request.Method == "POST" ? Encoding.ASCII.GetString(request.Body) : request.Target[(request.Target.IndexOf('?') + 1)..]);
        bool known = request.Method == "POST" ? form.Contains(("grant_type", "refresh_token")) && form.Contains(("refresh_token", IdentityToken)) : request["authorization"] == Basic;
        string scopes = string.Join(' ', form.Where(pair => pair.Name == "scope").Select(pair => pair.Value));
        return known ? TestAnswer.Plain(200, $$"""{"{{(request.Method == "POST" ? "access_token" : "token")}}":"{{Token(scopes)}}"{{Lifetime}}}""") : TestAnswer.Plain(401, "{}");
    }

    private static List<(string Name, string Value)> Parameters(string text) => [.. text.Split('&').Select(pair => pair.Split('=', 2)).Where(pair => pair.Length == 2)
        .Select(pair => (pair[0], Uri.UnescapeDataString(pair[1].Replace('+', ' '))))];

    private string Token(string scopes)
    {
        long now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        var access = scopes.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(scope => scope.Split(':')).Select(part => new { type = part[0], name = part[1], actions = part[2].Split(',') });
        string head = Encode(JsonSerializer.SerializeToUtf8Bytes(new { typ = "JWT", alg = "RS256", x5c = new[] { Convert.ToBase64String(_certificate.RawData) } }));
        string body = Encode(JsonSerializer.SerializeToUtf8Bytes(new { iss = "tokens", sub = "anna", aud = "registry", exp = now + 300, nbf = now - 10, iat = now - 10, jti = "1", access }));
        return $"{head}.{body}.{Encode(_key.SignData(Encoding.ASCII.GetBytes($"{head}.{body}"), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1))}";
    }

    private static string Encode(byte[] bytes) => Convert.ToBase64String(bytes).TrimEnd('=').Replace('+', '-').Replace('/', '_');
}
