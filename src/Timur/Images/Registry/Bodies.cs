using System.Text.Json;
using Timur.Oci;

namespace Timur.Images.Registry;

/// <summary>Reads what servers answer with.</summary>
internal static class Bodies
{
    /// <summary>The whole body, which may not be longer than <paramref name="limit"/> bytes nor take longer than the patience there is.</summary>
    internal static byte[] ReadLimited(HttpResponseMessage response, int limit, Patience patience, CancellationToken cancel)
    {
        using var body = new WatchedBody(response, patience.Silence, cancel);
        using var bytes = new MemoryStream();
        byte[] buffer = new byte[64 * 1024];
        int count;
        while ((count = body.Read(buffer)) > 0)
        {
            cancel.ThrowIfCancellationRequested();
            bytes.Write(buffer, 0, count);
            if (bytes.Length > limit)
            {
                throw new Failure($"{response.RequestMessage?.RequestUri?.Host} answers with more than {limit} bytes where a small document belongs", "nothing was stored; ask whoever runs the registry");
            }
        }

        return bytes.ToArray();
    }

    /// <summary>Where an answer leads, in full or seen from where it came; nonsense is a <see cref="Failure"/>.</summary>
    internal static Uri Place(Uri page, string text)
        => Uri.TryCreate(page, text, out Uri? place) && place.Scheme is "http" or "https" ? place
            : throw new Failure($"{page.Host} answers with an address that is none: {Printable(text)}", "ask whoever runs the registry");

    /// <summary>The reason in an error's body (distribution-spec, "Error Codes"), or the status in words.</summary>
    internal static string Reason(HttpResponseMessage response, Patience patience)
    {
        string status = Printable($"{(int)response.StatusCode} {response.ReasonPhrase}".Trim());
        try
        {
            IReadOnlyList<string> errors = JsonPart.Parse(ReadLimited(response, 64 * 1024, patience, default), "error")
                .List("errors", error => error.Text("message") is { Length: > 0 } message ? message : error.Text("code") ?? "");
            return errors is [{ Length: > 0 } first, ..] ? $"{Printable(first)} ({status})" : status;
        }
        catch (Exception e) when (e is Failure or JsonException || RegistryConnection.IsBroken(e))
        {
            return status;
        }
    }

    /// <summary>A server's words may not steer the terminal.</summary>
    internal static string Printable(string text) => string.Concat(text.Take(300).Select(c => char.IsControl(c) ? ' ' : c));
}
