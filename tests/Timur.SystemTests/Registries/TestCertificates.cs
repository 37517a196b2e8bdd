using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Timur.SystemTests.Registries;

/// <summary>An authority of the test's own, a certificate for a registry on this machine, and one for a client.</summary>
internal static class TestCertificates
{
    /// <summary>Writes <c>certs/ca.crt</c>, <c>server.crt</c>, <c>server.key</c>, <c>client.cert</c>, <c>client.key</c>.</summary>
    internal static void Make(string directory)
    {
        Directory.CreateDirectory(directory + "/certs");
        using RSA rootKey = RSA.Create(2048);
        var root = new CertificateRequest("CN=test authority", rootKey, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        root.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using X509Certificate2 authority = root.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(2));
        File.WriteAllText(directory + "/certs/ca.crt", authority.ExportCertificatePem());
        Issue(authority, "registry", directory + "/server.crt", directory + "/server.key");
        Issue(authority, "anna", directory + "/client.cert", directory + "/client.key");
    }

    private static void Issue(X509Certificate2 authority, string name, string certificateFile, string keyFile)
    {
        using RSA key = RSA.Create(2048);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        names.AddDnsName("registry.test");
        request.CertificateExtensions.Add(names.Build());
        using X509Certificate2 certificate = request.Create(authority, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddDays(1), RandomNumberGenerator.GetBytes(8));
        File.WriteAllText(certificateFile, certificate.ExportCertificatePem());
        File.WriteAllText(keyFile, key.ExportPkcs8PrivateKeyPem());
    }
}
