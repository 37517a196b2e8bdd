using System.Text.Json;
using Timur.Kernel;
using Timur.State;

namespace Timur.Engine;

/// <summary>What a container is, fixed when it is made: <c>container.json</c> in its directory.</summary>
public sealed record ContainerRecord
{
    private static readonly Dictionary<string, string> NoLabels = [];

    public required ContainerId Id { get; init; }

    public required string Name { get; init; }

    public required DateTimeOffset Created { get; init; }

    /// <summary>Image id, 64 digits; empty with <c>--rootfs</c>.</summary>
    public required string ImageId { get; init; }

    /// <summary>The image as it was asked for, or the root directory.</summary>
    public required string Image { get; init; }

    /// <summary>The first process's arguments.</summary>
    public required IReadOnlyList<string> Command { get; init; }

    /// <summary><see cref="RunOptions.Canonical"/>.</summary>
    public required IReadOnlyList<string> Options { get; init; }

    public required IReadOnlyDictionary<string, string> Labels { get; init; }

    public byte[] ToJson()
    {
        using var stream = new MemoryStream(1024);
        using (var json = new Utf8JsonWriter(stream, PlainJsonEncoder.Options))
        {
            json.WriteStartObject();
            json.WriteString("id", Id.Text);
            json.WriteString("name", Name);
            json.WriteNumber("created", Created.ToUnixTimeMilliseconds());
            json.WriteString("imageId", ImageId);
            json.WriteString("image", Image);
            WriteList(json, "command", Command);
            WriteList(json, "options", Options);
            json.WriteStartObject("labels");
            foreach ((string key, string value) in Labels)
            {
                json.WriteString(key, value);
            }

            json.WriteEndObject();
            json.WriteEndObject();
        }

        return stream.ToArray();
    }

    /// <summary>Reads a record; damage is a <see cref="Failure"/> that names the file.</summary>
    public static ContainerRecord FromJson(ReadOnlyMemory<byte> bytes, string path)
    {
        try
        {
            return Read(bytes, path);
        }
        catch (Exception e) when (e is Failure or ArgumentOutOfRangeException or JsonException or InvalidOperationException or FormatException)
        {
            string why = e switch
            {
                Failure => e.Message,
                JsonException json => $"{path}: line {json.LineNumber + 1}, column {json.BytePositionInLine + 1}: not valid JSON",
                _ => $"{path}: {e.Message}",
            };
            throw new Failure(why, "the container's record is damaged; timur system check --repair removes the container", cause: e);
        }
    }

    /// <summary>By a reader, not a document: a list of hundreds reads hundreds of these.</summary>
    private static ContainerRecord Read(ReadOnlyMemory<byte> bytes, string path)
    {
        var json = new Utf8JsonReader(bytes.Span);
        ContainerId id = default;
        string? name = null, imageId = null, image = null;
        long? created = null;
        IReadOnlyList<string> command = [], options = [];
        Dictionary<string, string> labels = NoLabels;
        json.Read();
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            if (Takes(ref json, "id"u8))
            {
                id = ContainerId.TryParse(json.GetString() ?? "", out ContainerId whole) ? whole : default;
            }
            else if (Takes(ref json, "name"u8))
            {
                name = json.GetString();
            }
            else if (Takes(ref json, "created"u8))
            {
                created = json.GetInt64();
            }
            else if (Takes(ref json, "imageId"u8))
            {
                imageId = json.GetString();
            }
            else if (Takes(ref json, "image"u8))
            {
                image = json.GetString();
            }
            else if (Takes(ref json, "command"u8))
            {
                command = Texts(ref json);
            }
            else if (Takes(ref json, "options"u8))
            {
                options = Texts(ref json);
            }
            else if (Takes(ref json, "labels"u8))
            {
                labels = Labelled(ref json);
            }
            else
            {
                json.Skip();
            }
        }

        string? missing = id == default ? "id" : name is null ? "name" : created is null ? "created" : imageId is null ? "imageId" : image is null ? "image" : null;
        return missing is null
            ? new ContainerRecord
            {
                Id = id,
                Name = name!,
                Created = DateTimeOffset.FromUnixTimeMilliseconds(created!.Value),
                ImageId = imageId!,
                Image = image!,
                Command = command,
                Options = options,
                Labels = labels,
            }
            : throw new Failure($"{path}: {missing} is missing or damaged");
    }

    /// <summary>True when this is the member, and then the reader stands on its value.</summary>
    private static bool Takes(ref Utf8JsonReader json, ReadOnlySpan<byte> name) => json.ValueTextEquals(name) && json.Read();

    private static List<string> Texts(ref Utf8JsonReader json)
    {
        var texts = new List<string>();
        while (json.Read() && json.TokenType != JsonTokenType.EndArray)
        {
            texts.Add(json.GetString() ?? "");
        }

        return texts;
    }

    private static Dictionary<string, string> Labelled(ref Utf8JsonReader json)
    {
        Dictionary<string, string> labels = NoLabels;
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            labels = ReferenceEquals(labels, NoLabels) ? [] : labels;
            string key = json.GetString()!;
            json.Read();
            labels[key] = json.GetString() ?? "";
        }

        return labels;
    }

    private static void WriteList(Utf8JsonWriter json, string name, IReadOnlyList<string> texts)
    {
        json.WriteStartArray(name);
        foreach (string text in texts)
        {
            json.WriteStringValue(text);
        }

        json.WriteEndArray();
    }
}
