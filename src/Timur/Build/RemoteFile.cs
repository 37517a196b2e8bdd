using System.Net;
using System.Net.Http.Headers;
using Timur.Build.Dockerfiles;
using Timur.Digests;
using Timur.Images;
using Timur.Kernel;

namespace Timur.Build;

/// <summary>Files that ADD gets from an address. What the server can tell the age or version of is kept, and fetched again only when it has changed.</summary>
public static class RemoteFile
{
    private const uint OwnerOnly = 0x180;

    /// <summary>What an address answers, as it comes.</summary>
    public static Stream Open(string address)
    {
        try
        {
            var client = new HttpClient();
            HttpResponseMessage answer = client.Send(new HttpRequestMessage(HttpMethod.Get, address), HttpCompletionOption.ResponseHeadersRead);
            return answer.EnsureSuccessStatusCode().Content.ReadAsStream();
        }
        catch (Exception e) when (e is HttpRequestException or IOException or UriFormatException)
        {
            throw new Failure($"{address} can't be fetched: {e.Message}", "check the address and the network", cause: e);
        }
    }

    public static bool IsAddress(string text) => text.StartsWith("http://", StringComparison.Ordinal) || text.StartsWith("https://", StringComparison.Ordinal);

    /// <summary>Stores it in a directory; its name there, the last part of the address.</summary>
    internal static string Fetch(ImageStore images, string address, string directory, string? checksum, Place at, CancellationToken cancel)
    {
        if (!Uri.TryCreate(address, UriKind.Absolute, out Uri? uri) || Path.GetFileName(uri.AbsolutePath) is not { Length: > 0 } name || name is "." or "..")
        {
            throw at.Error($"{address} names no file", "the address ends with the file's name");
        }

        Digest? expected = checksum is null ? null : Digest.Parse(checksum, "--checksum");
        string path = $"{directory}/{Uri.UnescapeDataString(name).Replace('/', '_')}";
        KeptDownload? kept = KeptDownload.TryFind(images, uri);
        try
        {
            // With a checksum nobody needs to be asked whether it is still the same.
            if (kept is not null && expected == kept.Digest && TryTake(kept, path, cancel))
            {
                return Path.GetFileName(path);
            }

            Digest found = Get(images, uri, path, kept, expected, cancel);
            if (expected is { } wanted && found != wanted)
            {
                throw at.Error($"{address} has the digest {found}, and --checksum wants {wanted}", "the file was changed, or the checksum is wrong");
            }
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            throw at.Error($"{address} can't be fetched: {e.Message}", "check the address and the network", e);
        }

        return Path.GetFileName(path);
    }

    private static Digest Get(ImageStore images, Uri uri, string path, KeptDownload? kept, Digest? expected, CancellationToken cancel)
    {
        using var client = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, uri);
        if (kept is not null && EntityTagHeaderValue.TryParse(kept.ETag, out EntityTagHeaderValue? tag))
        {
            request.Headers.IfNoneMatch.Add(tag);
        }
        else if (kept is not null)
        {
            request.Headers.IfModifiedSince = kept.Modified;
        }

        using HttpResponseMessage answer = client.Send(request, HttpCompletionOption.ResponseHeadersRead, cancel);
        if (kept is not null && answer.StatusCode == HttpStatusCode.NotModified)
        {
            return TryTake(kept, path, cancel) ? kept.Digest : Get(images, uri, path, null, expected, cancel);
        }

        answer.EnsureSuccessStatusCode();
        Digest found;
        using (Stream content = answer.Content.ReadAsStream(cancel))
        {
            found = Store(content, path, expected ?? Digest.FromSha256(new string('0', 64)), cancel);
        }

        string etag = answer.Headers.ETag?.ToString() ?? "";
        DateTimeOffset? modified = answer.Content.Headers.LastModified;
        SetTime(path, modified);
        if (etag.Length > 0 || modified is not null || found == expected)
        {
            KeptDownload.Add(images, uri, path, found, etag, modified);
        }

        return found;
    }

    /// <summary>Copies what is kept; false when that isn't what it should be.</summary>
    private static bool TryTake(KeptDownload kept, string path, CancellationToken cancel)
    {
        using var content = new FileStream(kept.Path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, 1);
        if (Store(content, path, kept.Digest, cancel) != kept.Digest)
        {
            return false;
        }

        SetTime(path, kept.Modified);
        return true;
    }

    private static void SetTime(string path, DateTimeOffset? modified)
    {
        if (modified is { } time)
        {
            File.SetLastWriteTimeUtc(path, time.UtcDateTime);
        }
    }

    private static Digest Store(Stream content, string path, Digest kind, CancellationToken cancel)
    {
        using var digest = new DigestStream(kind);
        using Fd file = Files.Open(path, Kernel.Open.Write | Kernel.Open.Create | Kernel.Open.Truncate, OwnerOnly);
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
