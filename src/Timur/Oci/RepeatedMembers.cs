using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Timur.Oci;

/// <summary>
/// A member that one object has several times, as programs in Go read it (encoding/json, Unmarshal): each is read over what those before it have left. Objects
/// are joined member by member, arrays item by item as far as the last one goes, and of anything else the last one counts.
/// </summary>
internal static class RepeatedMembers
{
    /// <summary>One value of all, at least one, in the order of the document.</summary>
    internal static JsonElement Join(List<JsonElement> values)
    {
        // Those of one kind that are joined; whatever is read over another kind replaces it.
        var joined = new List<JsonElement>();
        foreach (JsonElement value in values)
        {
            JsonValueKind before = joined.Count == 0 ? JsonValueKind.Undefined : joined[0].ValueKind;
            if (value.ValueKind == JsonValueKind.Null && before is JsonValueKind.String or JsonValueKind.True or JsonValueKind.False)
            {
                continue;
            }

            if (before != value.ValueKind || before is not (JsonValueKind.Object or JsonValueKind.Array))
            {
                joined.Clear();
            }

            joined.Add(value);
        }

        return joined.Count == 1 ? joined[0] : joined[0].ValueKind == JsonValueKind.Object ? JoinObjects(joined) : joined.Aggregate(JoinArrays);
    }

    /// <summary>All members of all; which of them are joined in turn is seen when they are looked for.</summary>
    private static JsonElement JoinObjects(List<JsonElement> objects)
    {
        var text = new ArrayBufferWriter<byte>();
        foreach (JsonElement one in objects)
        {
            foreach (JsonProperty member in one.EnumerateObject())
            {
                text.Write(text.WrittenCount == 0 ? "{\""u8 : ",\""u8);
                text.Write(JsonMarshal.GetRawUtf8PropertyName(member));
                text.Write("\":"u8);
                text.Write(JsonMarshal.GetRawUtf8Value(member.Value));
            }
        }

        text.Write(text.WrittenCount == 0 ? "{}"u8 : "}"u8);
        return Parse(text);
    }

    private static JsonElement JoinArrays(JsonElement earlier, JsonElement later)
    {
        var text = new ArrayBufferWriter<byte>();
        int known = earlier.GetArrayLength();
        int index = 0;
        foreach (JsonElement item in later.EnumerateArray())
        {
            text.Write(index == 0 ? "["u8 : ","u8);
            text.Write(JsonMarshal.GetRawUtf8Value(index < known ? Join([earlier[index], item]) : item));
            index++;
        }

        text.Write(index == 0 ? "[]"u8 : "]"u8);
        return Parse(text);
    }

    private static JsonElement Parse(ArrayBufferWriter<byte> text)
        => JsonDocument.Parse(text.WrittenMemory, new JsonDocumentOptions { MaxDepth = JsonPart.MaxDepth }).RootElement;
}
