using System.Globalization;
using System.Text;
using Timur.Digests;
using Timur.Images;
using Timur.Kernel;
using Timur.State;

namespace Timur.Build;

/// <summary>
/// What ADD fetched from an address, so that the server need only be asked whether it is still the same (RFC 9110, "Conditional Requests"): the content beside a file
/// that says what it is. Whoever uses the content digests it on the way, so that half of a pair does no harm.
/// </summary>
/// <param name="ETag">As the server gave it, or empty.</param>
/// <param name="Modified">Or null.</param>
internal sealed record KeptDownload(string Path, Digest Digest, string ETag, DateTimeOffset? Modified)
{
    private const string About = ".about";

    /// <summary>The end of the year 9999, in seconds since 1970.</summary>
    private const long LatestTime = 253402300799;

    /// <summary>What is kept of an address; null when that is nothing.</summary>
    internal static KeptDownload? TryFind(ImageStore images, Uri address)
    {
        string path = PathOf(images, address);
        if (Files.TryReadText(path + About, out _)?.Split('\n') is not [var digest, var modified, .. var etag] || !Digest.TryParse(digest, out Digest known) || !Files.Exists(path)
            || !long.TryParse(modified, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long seconds) || (seconds != long.MinValue && (seconds is < 0 or > LatestTime)))
        {
            return null;
        }

        return new KeptDownload(path, known, etag.FirstOrDefault(""), seconds == long.MinValue ? null : DateTimeOffset.FromUnixTimeSeconds(seconds));
    }

    /// <summary>Keeps a file that was fetched.</summary>
    internal static void Add(ImageStore images, Uri address, string file, Digest digest, string etag, DateTimeOffset? modified)
    {
        string path = PathOf(images, address);
        Directories.Create(images.Downloads);
        string unfinished = $"{images.Downloads}/.{System.IO.Path.GetFileName(path)}.{Processes.Self}.{Environment.CurrentManagedThreadId}.tmp";
        Files.TryUnlink(unfinished, out _);
        SparseFiles.Copy(file, unfinished);
        Files.Rename(unfinished, path);
        AtomicFile.Write(path + About, Encoding.UTF8.GetBytes($"{digest}\n{modified?.ToUnixTimeSeconds() ?? long.MinValue}\n{etag}\n"));
    }

    /// <summary>What is kept.</summary>
    internal static IEnumerable<string> Paths(ImageStore images) => Directories.List(images.Downloads).Select(entry => $"{images.Downloads}/{entry.Name}");

    /// <summary>Forgets everything; how many addresses.</summary>
    /// <param name="before">Only those that were fetched before then.</param>
    internal static int Clear(ImageStore images, DateTimeOffset? before)
        => Paths(images).Count(path => BuildCache.IsOlder(path, before) && Files.TryUnlink(path, out _) && !path.EndsWith(About, StringComparison.Ordinal));

    private static string PathOf(ImageStore images, Uri address) => $"{images.Downloads}/{Sha256.Hex(Encoding.UTF8.GetBytes(address.AbsoluteUri))}";
}
