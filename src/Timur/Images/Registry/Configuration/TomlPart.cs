using Timur.Kernel;
using Tomlyn;
using Tomlyn.Parsing;

namespace Timur.Images.Registry.Configuration;

/// <summary>A value in a TOML file, and the line it stands in.</summary>
internal sealed class TomlPart
{
    private readonly string _place;
    private readonly object _value;

    private TomlPart(string place, object value)
    {
        _place = place;
        _value = value;
    }

    /// <summary>Keys and values of a table, in their order.</summary>
    internal IReadOnlyDictionary<string, TomlPart> Members => _value as Dictionary<string, TomlPart> ?? throw Complain("isn't a table");

    /// <summary>File and line, for messages.</summary>
    internal string Place => _place;

    /// <summary>The file's root table; null when there is no such file. What isn't TOML is a <see cref="Failure"/>.</summary>
    internal static TomlPart? TryRead(string path)
    {
        if (Files.TryReadText(path, out Errno why) is not { } text)
        {
            return why is Errno.ENOENT or Errno.ENOTDIR ? null : throw new SyscallException("read", why, path);
        }

        try
        {
            TomlParser parser = TomlParser.Create(text);
            while (parser.Current.Kind != TomlParseEventKind.StartTable)
            {
                parser.MoveNext();
            }

            return ReadValue(parser, path, 1);
        }
        catch (Exception e) when (e is TomlException or ArgumentException)
        {
            // The parser's own check leaves out escapes that stand for half a character.
            throw new Failure($"{path} isn't valid TOML: {e.Message}", "containers-registries.conf(5) says what may stand in it", cause: e);
        }
    }

    internal string? Text(string key) => Find(key, "a text", part => part._value as string);

    internal bool Flag(string key) => Find(key, "true or false", part => part._value as bool?) ?? false;

    /// <summary>The members of a list; none when the key is missing.</summary>
    internal IReadOnlyList<TomlPart> List(string key) => Find(key, "a list", part => part._value as List<TomlPart>) ?? [];

    internal IReadOnlyList<string> Texts(string key) => [.. List(key).Select(part => part._value as string ?? throw part.Complain($"{key} holds something else than texts"))];

    internal Failure Complain(string what) => new($"{_place}: {what}", "containers-registries.conf(5) says what may stand there");

    private T? Find<T>(string key, string kind, Func<TomlPart, T?> read)
        => Members.TryGetValue(key, out TomlPart? part) ? read(part) ?? throw part.Complain($"{key} isn't {kind}") : default;

    /// <param name="line">Of the key; a table's own event has none.</param>
    private static TomlPart ReadValue(TomlParser parser, string path, int line)
    {
        string place = $"{path}:{line}";
        return parser.Current.Kind switch
        {
            TomlParseEventKind.StartTable => new TomlPart(place, ReadTable(parser, path)),
            TomlParseEventKind.StartArray => new TomlPart(place, ReadArray(parser, path, line)),
            TomlParseEventKind.String => new TomlPart(place, parser.GetString()),
            TomlParseEventKind.Boolean => new TomlPart(place, parser.Current.GetBoolean()),
            _ => new TomlPart(place, parser.Current.Kind),
        };
    }

    private static Dictionary<string, TomlPart> ReadTable(TomlParser parser, string path)
    {
        var table = new Dictionary<string, TomlPart>();
        while (parser.MoveNext() && parser.Current.Kind != TomlParseEventKind.EndTable)
        {
            string key = parser.GetPropertyName();
            int line = parser.Current.Line;
            parser.MoveNext();
            table[key] = ReadValue(parser, path, line);
        }

        return table;
    }

    private static List<TomlPart> ReadArray(TomlParser parser, string path, int line)
    {
        var list = new List<TomlPart>();
        while (parser.MoveNext() && parser.Current.Kind != TomlParseEventKind.EndArray)
        {
            list.Add(ReadValue(parser, path, line));
        }

        return list;
    }
}
