using Timur.Build.Dockerfiles;
using Timur.Digests;
using Timur.Kernel;

namespace Timur.Build;

/// <summary>Files that ADD gets from an address.</summary>
internal static class RemoteFile
{
    private const uint OwnerOnly = 0x180;

    internal static bool IsAddress(string text) => text.StartsWith("http://", StringComparison.Ordinal) || text.StartsWith("https://", StringComparison.Ordinal);

    /// <summary>Stores it in a directory; its name there, the last part of the address.</summary>
    internal static string Fetch(string address, string directory, string? checksum, Place at, CancellationToken cancel)
    {
        if (!Uri.TryCreate(address, UriKind.Absolute, out Uri? uri) || Path.GetFileName(uri.AbsolutePath) is not { Length: > 0 } name || name is "." or "..")
        {
            throw at.Error($"{address} names no file", "the address ends with the file's name");
        }

        Digest? expected = checksum is null ? null : Digest.Parse(checksum, "--checksum");
        string path = $"{directory}/{Uri.UnescapeDataString(name).Replace('/', '_')}";
        try
        {
            using var client = new HttpClient();
            using HttpResponseMessage answer = client.Send(new HttpRequestMessage(HttpMethod.Get, uri), HttpCompletionOption.ResponseHeadersRead, cancel);
            answer.EnsureSuccessStatusCode();
            using Stream content = answer.Content.ReadAsStream(cancel);
            Digest found = Store(content, path, expected ?? Digest.FromSha256(new string('0', 64)), cancel);
            if (expected is { } wanted && found != wanted)
            {
                throw at.Error($"{address} has the digest {found}, and --checksum wants {wanted}", "the file was changed, or the checksum is wrong");
            }

            if (answer.Content.Headers.LastModified is { } time)
            {
                File.SetLastWriteTimeUtc(path, time.UtcDateTime);
            }
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            throw at.Error($"{address} can't be fetched: {e.Message}", "check the address and the network", e);
        }

        return Path.GetFileName(path);
    }

    private static Digest Store(Stream content, string path, Digest kind, CancellationToken cancel)
    {
        using var digest = new DigestStream(kind);
        using Fd file = Files.Open(path, Open.Write | Open.Create | Open.Truncate, OwnerOnly);
        byte[] buffer = new byte[64 * 1024];
        int count;
        while ((count = content.Read(buffer)) > 0)
        {
            cancel.ThrowIfCancellationRequested();
            digest.Append(buffer.AsSpan(0, count));
            Files.Write(file, buffer.AsSpan(0, count), path);
        }

        return digest.Finish();
    }
}
