using System.Text.Json;
using Timur.Kernel;

namespace Timur.Oci;

/// <summary>Image configurations as JSON (OCI image-spec config.md).</summary>
public static class ImageConfigJson
{
    private const long NanosecondsInTick = 100;

    public static ImageConfig Read(ReadOnlyMemory<byte> bytes, string document)
    {
        JsonPart root = JsonPart.Parse(bytes, document);
        JsonPart? config = root.Find("config");
        return new ImageConfig
        {
            Architecture = root.Text("architecture") ?? "amd64",
            Os = root.Text("os") ?? "linux",
            Variant = root.Text("variant"),
            Created = Date(root.Text("created")),
            Author = root.Text("author") ?? "",
            Env = config?.Texts("Env") ?? [],
            Entrypoint = config?.Texts("Entrypoint") ?? [],
            Cmd = config?.Texts("Cmd") ?? [],
            User = config?.Text("User") ?? "",
            WorkingDir = config?.Text("WorkingDir") ?? "",
            Volumes = [.. (config?.Map("Volumes", _ => 0) ?? new Dictionary<string, int>()).Keys],
            ExposedPorts = [.. (config?.Map("ExposedPorts", _ => 0) ?? new Dictionary<string, int>()).Keys],
            StopSignal = config?.Text("StopSignal"),
            Healthcheck = config?.Find("Healthcheck") is { } health ? Healthcheck(health) : null,
            OnBuild = config?.Texts("OnBuild") ?? [],
            Shell = config?.Texts("Shell") ?? [],
            Labels = config?.TextMap("Labels") ?? new Dictionary<string, string>(),
            DiffIds = root.Find("rootfs")?.Texts("diff_ids") ?? [],
            History = root.List("history", step => new ImageHistory(
                Date(step.Text("created")), step.Text("created_by") ?? "", step.Text("comment") ?? "", step.Flag("empty_layer")) { Author = step.Text("author") ?? "" }),
        };
    }

    public static byte[] Write(ImageConfig config)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, PlainJsonEncoder.Options))
        {
            json.WriteStartObject();
            json.WriteString("architecture", config.Architecture);
            json.WriteString("os", config.Os);
            if (config.Variant is { } variant)
            {
                json.WriteString("variant", variant);
            }

            if (config.Author.Length > 0)
            {
                json.WriteString("author", config.Author);
            }

            if (config.Created is { } created)
            {
                json.WriteString("created", created.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'"));
            }

            WriteSettings(json, config);
            json.WriteStartObject("rootfs");
            json.WriteString("type", "layers");
            WriteTexts(json, "diff_ids", config.DiffIds);
            json.WriteEndObject();
            json.WriteStartArray("history");
            foreach (ImageHistory step in config.History)
            {
                json.WriteStartObject();
                if (step.Created is { } at)
                {
                    json.WriteString("created", at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'"));
                }

                json.WriteString("created_by", step.CreatedBy);
                json.WriteString("comment", step.Comment);
                if (step.Author.Length > 0)
                {
                    json.WriteString("author", step.Author);
                }

                if (step.EmptyLayer)
                {
                    json.WriteBoolean("empty_layer", true);
                }

                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return stream.ToArray();
    }

    private static void WriteSettings(Utf8JsonWriter json, ImageConfig config)
    {
        json.WriteStartObject("config");
        WriteTexts(json, "Env", config.Env);
        WriteTexts(json, "Entrypoint", config.Entrypoint);
        WriteTexts(json, "Cmd", config.Cmd);
        json.WriteString("User", config.User);
        json.WriteString("WorkingDir", config.WorkingDir);
        WriteKeys(json, "Volumes", config.Volumes);
        WriteKeys(json, "ExposedPorts", config.ExposedPorts);
        if (config.StopSignal is { } signal)
        {
            json.WriteString("StopSignal", signal);
        }

        WriteExtensions(json, config);
        json.WriteStartObject("Labels");
        foreach ((string key, string value) in config.Labels)
        {
            json.WriteString(key, value);
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteExtensions(Utf8JsonWriter json, ImageConfig config)
    {
        if (config.Healthcheck is { } health)
        {
            json.WriteStartObject("Healthcheck");
            WriteTexts(json, "Test", health.Test);
            foreach ((string name, TimeSpan time) in (ReadOnlySpan<(string, TimeSpan)>)
                [("Interval", health.Interval), ("Timeout", health.Timeout), ("StartPeriod", health.StartPeriod), ("StartInterval", health.StartInterval)])
            {
                if (time != TimeSpan.Zero)
                {
                    json.WriteNumber(name, time.Ticks * NanosecondsInTick);
                }
            }

            if (health.Retries != 0)
            {
                json.WriteNumber("Retries", health.Retries);
            }

            json.WriteEndObject();
        }

        foreach ((string name, IReadOnlyList<string> texts) in (ReadOnlySpan<(string, IReadOnlyList<string>)>)[("OnBuild", config.OnBuild), ("Shell", config.Shell)])
        {
            if (texts.Count > 0)
            {
                WriteTexts(json, name, texts);
            }
        }
    }

    private static ImageHealthcheck Healthcheck(JsonPart health)
    {
        return new ImageHealthcheck(health.Texts("Test") ?? [], Time("Interval"), Time("Timeout"), Time("StartPeriod"), Time("StartInterval"), (int)(health.Number("Retries") ?? 0));

        TimeSpan Time(string name) => TimeSpan.FromTicks((health.Number(name) ?? 0) / NanosecondsInTick);
    }

    private static void WriteTexts(Utf8JsonWriter json, string name, IReadOnlyList<string> texts)
    {
        json.WriteStartArray(name);
        foreach (string text in texts)
        {
            json.WriteStringValue(text);
        }

        json.WriteEndArray();
    }

    private static void WriteKeys(Utf8JsonWriter json, string name, IReadOnlyList<string> keys)
    {
        json.WriteStartObject(name);
        foreach (string key in keys)
        {
            json.WriteStartObject(key);
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    private static DateTimeOffset? Date(string? text) => DateTimeOffset.TryParse(text, out DateTimeOffset date) ? date : null;
}
