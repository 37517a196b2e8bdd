using System.Text;

namespace Timur.Templates;

/// <summary>
/// A row or an object that a template reads: fields by their Docker names, in order. Values are text, numbers, flags, lists, or objects again.
/// </summary>
public sealed class TemplateObject
{
    private readonly List<KeyValuePair<string, object?>> _fields = [];
    private readonly List<KeyValuePair<string, object?>> _others = [];

    /// <summary>Fields in the order they were added.</summary>
    public IReadOnlyList<KeyValuePair<string, object?>> Fields => _fields.ConvertAll(entry => new KeyValuePair<string, object?>(entry.Key, Made(entry.Value)));

    public TemplateObject Add(string name, object? value)
    {
        _fields.Add(new(name, value));
        return this;
    }

    /// <summary>A field that is only made when somebody asks for it: most lists show few of the fields that there are.</summary>
    public TemplateObject Add(string name, Func<object?> make) => Add(name, (object)make);

    /// <summary>A field under another engine's name, or one that only templates ask for: lists and JSON don't show it.</summary>
    public TemplateObject Also(string name, Func<object?> make)
    {
        _others.Add(new(name, make));
        return this;
    }

    /// <summary>As <see cref="Also(string, Func{object?})"/>, with an argument: <c>{{.Label "KEY"}}</c>.</summary>
    public TemplateObject Also(string name, Func<string, string> make)
    {
        _others.Add(new(name, make));
        return this;
    }

    /// <summary>A field's value; false when there is none of that name.</summary>
    public bool TryGet(string name, out object? value)
    {
        foreach ((string key, object? candidate) in _fields.Concat(_others))
        {
            if (key == name)
            {
                value = Made(candidate);
                return true;
            }
        }

        value = null;
        return false;
    }

    /// <summary>One line of JSON, or several with an indentation.</summary>
    public string ToJson(bool indented = false) => TemplateJson.Write(this, indented);

    /// <summary>A value as a template prints it.</summary>
    internal static string Print(object? value) => value switch
    {
        null => "<no value>",
        bool flag => flag ? "true" : "false",
        string text => text,
        IReadOnlyDictionary<string, string> map => $"map[{string.Join(' ', map.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => $"{pair.Key}:{pair.Value}"))}]",
        IEnumerable<object?> list => $"[{string.Join(' ', list.Select(Print))}]",
        TemplateObject nested => PrintObject(nested),
        _ => Convert.ToString(value) ?? "",
    };

    private static object? Made(object? value) => value is Func<object?> make ? make() : value;

    private static string PrintObject(TemplateObject nested)
    {
        var text = new StringBuilder("{");
        text.AppendJoin(' ', nested.Fields.Select(field => Print(field.Value)));
        return text.Append('}').ToString();
    }
}
