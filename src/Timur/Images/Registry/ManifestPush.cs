using System.Text.Json;
using Timur.Digests;
using Timur.Oci;

namespace Timur.Images.Registry;

/// <summary>
/// Stores a manifest, and sees to it that what refers to another can be found there: a registry without the referrers API gets the list under a tag (OCI
/// distribution-spec, "Pushing Manifests with Subject").
/// </summary>
internal sealed class ManifestPush(Repository repository)
{
    internal void Push(string reference, ReadOnlyMemory<byte> bytes, string mediaType, CancellationToken cancel)
    {
        bool listed = repository.PutManifest(reference, bytes, mediaType, cancel);
        JsonPart manifest = JsonPart.Parse(bytes, repository.Name);
        if (!listed && manifest.Find("subject") is { } subject)
        {
            Digest digest = Descriptor.Read(subject).Digest;
            AddReferrer($"{digest.Algorithm}-{digest.Hex}", manifest, new Descriptor(mediaType, Digest.Of(bytes.Span), bytes.Length), cancel);
        }
    }

    private void AddReferrer(string tag, JsonPart manifest, Descriptor own, CancellationToken cancel)
    {
        using var text = new MemoryStream();
        using (var json = new Utf8JsonWriter(text))
        {
            json.WriteStartObject();
            json.WriteNumber("schemaVersion", 2);
            json.WriteString("mediaType", MediaTypes.OciIndex);
            json.WriteStartArray("manifests");
            if (repository.TryGetManifest(tag, repository.PushScope, out _, cancel) is { } present)
            {
                IReadOnlyList<bool> isOwn = JsonPart.Parse(present.Bytes, $"{repository.Name}:{tag}").List("manifests", entry => CopyUnless(entry, own.Digest, json));
                if (isOwn.Contains(true))
                {
                    return;
                }
            }

            Write(json, manifest, own);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        repository.PutManifest(tag, text.ToArray(), MediaTypes.OciIndex, cancel);
    }

    private static bool CopyUnless(JsonPart entry, Digest own, Utf8JsonWriter json)
    {
        bool isOwn = Descriptor.Read(entry).Digest == own;
        json.WriteRawValue(entry.Text());
        return isOwn;
    }

    private static void Write(Utf8JsonWriter json, JsonPart manifest, Descriptor own)
    {
        json.WriteStartObject();
        json.WriteString("mediaType", own.MediaType);
        json.WriteString("digest", own.Digest.ToString());
        json.WriteNumber("size", own.Size);
        json.WriteString("artifactType", manifest.Text("artifactType") ?? manifest.Find("config")?.Text("mediaType") ?? own.MediaType);
        if (manifest.Find("annotations") is { } annotations)
        {
            json.WritePropertyName("annotations");
            json.WriteRawValue(annotations.Text());
        }

        json.WriteEndObject();
    }
}
