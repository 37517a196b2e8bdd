using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Timur.Templates;

/// <summary>Template values as JSON.</summary>
internal static class TemplateJson
{
    internal static string Write(object? value, bool indented)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = indented, IndentSize = 4, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            Write(json, value);
        }

        return Encoding.UTF8.GetString(stream.ToArray());
    }

    private static void Write(Utf8JsonWriter json, object? value)
    {
        switch (value)
        {
            case null: json.WriteNullValue(); break;
            case bool flag: json.WriteBooleanValue(flag); break;
            case string text: json.WriteStringValue(text); break;
            case int number: json.WriteNumberValue(number); break;
            case long number: json.WriteNumberValue(number); break;
            case uint number: json.WriteNumberValue(number); break;
            case double number: json.WriteNumberValue(number); break;
            case TemplateObject nested:
                json.WriteStartObject();
                foreach ((string name, object? field) in nested.Fields)
                {
                    json.WritePropertyName(name);
                    Write(json, field);
                }

                json.WriteEndObject();
                break;
            case IReadOnlyDictionary<string, string> map:
                json.WriteStartObject();
                foreach ((string name, string text) in map)
                {
                    json.WriteString(name, text);
                }

                json.WriteEndObject();
                break;
            case IEnumerable<object?> list:
                json.WriteStartArray();
                foreach (object? item in list)
                {
                    Write(json, item);
                }

                json.WriteEndArray();
                break;
            default: json.WriteStringValue(Convert.ToString(value)); break;
        }
    }
}
