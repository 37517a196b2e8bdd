using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Timur.Digests;

namespace Timur.Images.Registry;

/// <summary>
/// Certificates for one registry (containers-certs.d(5)): <c>*.crt</c> are authorities to trust besides the system's, <c>*.cert</c> with <c>*.key</c> say who we are.
/// </summary>
internal static class Certificates
{
    /// <summary>Somebody has put certificates for this registry on this machine.</summary>
    internal static bool Has(RegistryAddress address, RegistrySettings settings) => Files(address, settings, "*.crt").Count > 0;

    /// <param name="lax">Any certificate will do.</param>
    internal static SslClientAuthenticationOptions Options(RegistryAddress address, RegistrySettings settings, bool lax)
    {
        var options = new SslClientAuthenticationOptions();
        if (!StreamSha256.HasOpenSsl)
        {
            return options;
        }

        var authorities = new X509Certificate2Collection();
        foreach (string file in Files(address, settings, "*.crt"))
        {
            Read(file, () => authorities.ImportFromPemFile(file));
        }

        var own = new X509Certificate2Collection();
        foreach (string file in Files(address, settings, "*.cert"))
        {
            Read(file, () => own.Add(X509Certificate2.CreateFromPemFile(file, Path.ChangeExtension(file, ".key"))));
        }

        if (own.Count > 0)
        {
            options.ClientCertificates = own;
        }

        options.RemoteCertificateValidationCallback = (_, certificate, chain, errors) => lax || errors == SslPolicyErrors.None
            || (errors == SslPolicyErrors.RemoteCertificateChainErrors && authorities.Count > 0 && IsTrusted(certificate, chain, authorities));
        return options;
    }

    /// <summary>The name fits already; only who signed it is asked.</summary>
    private static bool IsTrusted(X509Certificate? certificate, X509Chain? sent, X509Certificate2Collection authorities)
    {
        if (certificate is not X509Certificate2 leaf)
        {
            return false;
        }

        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(authorities);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid("1.3.6.1.5.5.7.3.1"));
        chain.ChainPolicy.DisableCertificateDownloads = true;
        if (sent is not null)
        {
            chain.ChainPolicy.ExtraStore.AddRange(sent.ChainPolicy.ExtraStore);
        }

        return chain.Build(leaf);
    }

    private static List<string> Files(RegistryAddress address, RegistrySettings settings, string pattern)
    {
        string home = Environment.GetEnvironmentVariable("HOME") ?? "/";
        string config = Environment.GetEnvironmentVariable("XDG_CONFIG_HOME") ?? home + "/.config";
        string[] directories = settings.CertificateDirectory is { } given ? [given]
            : [$"{config}/containers/certs.d/{address.Name}", $"/etc/containers/certs.d/{address.Name}", $"/etc/docker/certs.d/{address.Name}"];
        return [.. directories.Where(Directory.Exists).SelectMany(directory => Directory.GetFiles(directory, pattern)).Order(StringComparer.Ordinal)];
    }

    private static void Read(string file, Action read)
    {
        try
        {
            read();
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new Failure($"{file} can't be read: {e.Message}", "it must be in PEM form; a .cert needs its .key beside it", cause: e);
        }
    }
}
