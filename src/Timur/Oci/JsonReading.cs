using System.Text.Json;

namespace Timur.Oci;

/// <summary>
/// A JSON value together with its path, so that every complaint says where: <c>config.json: process.args[0]: expected a string, found a number</c>.
/// </summary>
public readonly struct JsonPart
{
    /// <summary>Objects and arrays that may lie in each other.</summary>
    internal const int MaxDepth = 128;

    private readonly JsonElement _element;
    private readonly bool _anyCase;

    private JsonPart(JsonElement element, string document, string path, bool anyCase)
    {
        _element = element;
        _anyCase = anyCase;
        Document = document;
        Path = path;
    }

    /// <summary>What the document is called in messages.</summary>
    public string Document { get; }

    /// <summary>Where this value stands in it; empty for the whole.</summary>
    public string Path { get; }

    /// <summary>Parses a document; malformed JSON is a <see cref="Failure"/> with line and column.</summary>
    public static JsonPart Parse(ReadOnlyMemory<byte> bytes, string document) => Parse(bytes, document, out _);

    /// <summary>
    /// As the other; a member's name may differ from how it is spelled by case, as programs in Go read JSON and, trusting in that, write it. One that is there
    /// several times, in whatever case, is what such a program makes of all.
    /// </summary>
    public static JsonPart ParseAnyCase(ReadOnlyMemory<byte> bytes, string document) => new(Parse(bytes, document)._element, document, "", anyCase: true);

    /// <summary>As the other; disposing <paramref name="owner"/> gives its memory back, when nothing of the document is needed any more.</summary>
    public static JsonPart Parse(ReadOnlyMemory<byte> bytes, string document, out JsonDocument owner)
    {
        try
        {
            owner = JsonDocument.Parse(bytes, new JsonDocumentOptions { MaxDepth = MaxDepth });
            return new JsonPart(owner.RootElement, document, "", anyCase: false);
        }
        catch (JsonException e)
        {
            throw new Failure($"{document}: line {e.LineNumber + 1}, column {e.BytePositionInLine + 1}: not valid JSON", cause: e);
        }
    }

    /// <summary>A member of this object, or null when it is missing or null.</summary>
    public JsonPart? Find(string name)
    {
        Require(JsonValueKind.Object, "an object");
        try
        {
            return (_anyCase ? TryFindAnyCase(name, out JsonElement member) : _element.TryGetProperty(name, out member)) && member.ValueKind != JsonValueKind.Null
                ? Inner(member, Path.Length == 0 ? name : $"{Path}.{name}")
                : null;
        }
        catch (InvalidOperationException)
        {
            throw Complain("a name holds half of a surrogate pair");
        }
    }

    /// <summary>The text as it stands in the document.</summary>
    public ReadOnlySpan<byte> Text() => System.Runtime.InteropServices.JsonMarshal.GetRawUtf8Value(_element);

    public string? Text(string name) => Find(name)?.AsText();

    public string RequireText(string name) => Text(name) ?? throw Complain($"{name} is missing");

    /// <summary>A member that has to be there.</summary>
    public JsonPart Require(string name) => Find(name) ?? throw Complain($"{name} is missing");

    public bool Flag(string name) => Find(name)?.AsFlag() ?? false;

    public long? Number(string name) => Find(name)?.AsNumber();

    /// <summary>A member's items; empty when it is missing.</summary>
    public IReadOnlyList<T> List<T>(string name, Func<JsonPart, T> read)
    {
        if (Find(name) is not { } array)
        {
            return [];
        }

        array.Require(JsonValueKind.Array, "an array");
        var items = new List<T>();
        foreach (JsonElement item in array._element.EnumerateArray())
        {
            items.Add(read(array.Inner(item, $"{array.Path}[{items.Count}]")));
        }

        return items;
    }

    public IReadOnlyList<string> Texts(string name)
    {
        if (Find(name) is not { } array)
        {
            return [];
        }

        array.Require(JsonValueKind.Array, "an array");
        var texts = new List<string>(array._element.GetArrayLength());
        foreach (JsonElement item in array._element.EnumerateArray())
        {
            // The place in words is only made for a complaint.
            texts.Add(TryText(item, out string text) ? text : array.Inner(item, $"{array.Path}[{texts.Count}]").AsText());
        }

        return texts;
    }

    /// <summary>A member that maps names to values; empty when it is missing.</summary>
    public IReadOnlyDictionary<string, T> Map<T>(string name, Func<JsonPart, T> read)
    {
        var map = new Dictionary<string, T>();
        if (Find(name) is { } found)
        {
            found.Require(JsonValueKind.Object, "an object");
            foreach (JsonProperty property in found._element.EnumerateObject())
            {
                string key = NameOf(property) ?? throw found.Complain("a name holds a NUL character or half of a surrogate pair");
                map[key] = read(found.Inner(property.Value, $"{found.Path}.{key}"));
            }
        }

        return map;
    }

    public IReadOnlyDictionary<string, string> TextMap(string name) => Map(name, value => value.AsText());

    /// <summary>A string without NUL, which no system call could take.</summary>
    public string AsText()
    {
        Require(JsonValueKind.String, "a string");
        return TryText(_element, out string text) ? text : throw Complain("the string holds a NUL character or half of a surrogate pair");
    }

    public bool AsFlag() => _element.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Mismatch("true or false"),
    };

    public long AsNumber()
    {
        Require(JsonValueKind.Number, "a number");
        return _element.TryGetInt64(out long number) ? number : throw Complain($"{_element.GetRawText()} isn't a whole number of 64 bits");
    }

    public ulong AsUnsigned()
    {
        Require(JsonValueKind.Number, "a number");
        return _element.TryGetUInt64(out ulong number) ? number : throw Complain($"{_element.GetRawText()} isn't a whole number from 0 to 2^64-1");
    }

    /// <summary>Whether this is 2^64-1, as which some programs write -1.</summary>
    internal bool IsAllOnes() => _element.ValueKind == JsonValueKind.Number && _element.TryGetUInt64(out ulong number) && number == ulong.MaxValue;

    /// <summary>A whole number within bounds, both included.</summary>
    public long AsRange(long least, long most) => AsNumber() is var number && number >= least && number <= most ? number : throw Complain($"{number} isn't a number from {least} to {most}");

    /// <summary>A number of 32 bits, such as an id or permission bits.</summary>
    public uint AsId() => AsNumber() is var number and >= 0 and <= uint.MaxValue ? (uint)number : throw Complain("isn't a number from 0 to 2^32-1");

    /// <summary>A user's or group's id. 2^32-1 is none: system calls take it for "as it is", which would be root (setresuid(2), CVE-2026-30892).</summary>
    public uint AsOwner() => (uint)AsRange(0, uint.MaxValue - 1L);

    /// <summary>The failure that names this place.</summary>
    public Failure Complain(string what) => new($"{Document}: {(Path.Length == 0 ? "" : Path + ": ")}{what}");

    private JsonPart Inner(JsonElement element, string path) => new(element, Document, path, _anyCase);

    private bool TryFindAnyCase(string name, out JsonElement member)
    {
        Span<byte> wanted = stackalloc byte[128];
        int length = System.Text.Encoding.UTF8.GetBytes(name, wanted);
        member = default;
        List<JsonElement>? all = null;
        foreach (JsonProperty property in _element.EnumerateObject())
        {
            if (!IsNamed(property, name, wanted[..length]))
            {
                continue;
            }

            if (member.ValueKind != JsonValueKind.Undefined)
            {
                all ??= [member];
                all.Add(property.Value);
            }

            member = property.Value;
        }

        member = all is null ? member : RepeatedMembers.Join(all);
        return member.ValueKind != JsonValueKind.Undefined;
    }

    /// <summary>Whether this is the member's name in some case, written plainly or with escapes.</summary>
    private static bool IsNamed(JsonProperty property, string name, ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<byte> found = System.Runtime.InteropServices.JsonMarshal.GetRawUtf8PropertyName(property);
        return found.Contains((byte)'\\') ? property.Name.Equals(name, StringComparison.OrdinalIgnoreCase)
            : found.Length == bytes.Length && System.Text.Ascii.EqualsIgnoreCase(found, bytes);
    }

    private static bool TryText(JsonElement element, out string text)
    {
        text = "";
        if (element.ValueKind != JsonValueKind.String)
        {
            return false;
        }

        try
        {
            text = element.GetString()!;
            return !text.Contains('\0');
        }
        catch (InvalidOperationException)
        {
            // Escapes that spell no character (RFC 8259, section 8.2).
            return false;
        }
    }

    private static string? NameOf(JsonProperty property)
    {
        try
        {
            return property.Name is var name && name.Contains('\0') ? null : name;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    private void Require(JsonValueKind kind, string expected)
    {
        if (_element.ValueKind != kind)
        {
            throw Mismatch(expected);
        }
    }

    private Failure Mismatch(string expected) => Complain($"expected {expected}, found {_element.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => "a number",
        JsonValueKind.Null or JsonValueKind.Undefined => "nothing",
        _ => "true or false",
    }}");
}
