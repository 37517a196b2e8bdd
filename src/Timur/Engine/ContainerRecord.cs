using System.Text.Json;
using Timur.Kernel;
using Timur.Oci;
using Timur.State;

namespace Timur.Engine;

/// <summary>What a container is, fixed when it is made: <c>container.json</c> in its directory.</summary>
public sealed record ContainerRecord
{
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
        catch (Exception e) when (e is Failure or ArgumentOutOfRangeException)
        {
            throw new Failure(e.Message, "the container's record is damaged; timur system check --repair removes the container", cause: e);
        }
    }

    private static ContainerRecord Read(ReadOnlyMemory<byte> bytes, string path)
    {
        JsonPart root = JsonPart.Parse(bytes, path, out JsonDocument owner);
        using JsonDocument given = owner;
        return new ContainerRecord
        {
            Id = ContainerId.TryParse(root.RequireText("id"), out ContainerId id) ? id : throw root.Complain("id isn't a container id"),
            Name = root.RequireText("name"),
            Created = DateTimeOffset.FromUnixTimeMilliseconds(root.Number("created") ?? throw root.Complain("created is missing")),
            ImageId = root.RequireText("imageId"),
            Image = root.RequireText("image"),
            Command = root.Texts("command"),
            Options = root.Texts("options"),
            Labels = root.TextMap("labels"),
        };
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
