using System.Globalization;

namespace Timur.Templates;

/// <summary>The functions of Docker's and Podman's format templates.</summary>
internal static class TemplateFunctions
{
    internal static object? Call(string name, IReadOnlyList<object?> arguments)
    {
        object? Argument(int index) => index < arguments.Count ? arguments[index] : throw new Failure($"--format: {name} needs more arguments");
        string Text(int index) => TemplateObject.Print(Argument(index));
        int Number(int index) => Argument(index) is long number and >= 0 and <= ushort.MaxValue ? (int)number : throw new Failure($"--format: {name} needs a number, not '{Text(index)}'");
        return name switch
        {
            "json" => TemplateJson.Write(Argument(0), indented: false),
            "join" => string.Join(Text(1), TemplateExpression.Items(Argument(0)).Select(TemplateObject.Print)),
            "split" => Text(0).Split(Text(1)).Cast<object?>().ToList(),
            "title" => Text(0) is { Length: > 0 } text ? char.ToUpperInvariant(text[0]) + text[1..] : "",
            "lower" => Text(0).ToLowerInvariant(),
            "upper" => Text(0).ToUpperInvariant(),
            "pad" => new string(' ', Number(1)) + Text(0) + new string(' ', Number(2)),
            "truncate" => Text(0) is var whole && whole.Length > Number(1) ? whole[..Number(1)] : whole,
            "printf" => TemplateFormat.Write(Text(0), [.. arguments.Skip(1)]),
            "println" => string.Join(' ', arguments.Select(TemplateObject.Print)) + "\n",
            "print" or "html" or "js" => string.Concat(arguments.Select(TemplateObject.Print)),
            "len" => Length(Argument(0)),
            "index" => Index(arguments),
            "eq" => arguments.Skip(1).Any(other => TemplateObject.Print(other) == Text(0)),
            "ne" => Text(0) != Text(1),
            "lt" => Compare(arguments) < 0,
            "le" => Compare(arguments) <= 0,
            "gt" => Compare(arguments) > 0,
            "ge" => Compare(arguments) >= 0,
            "not" => !TemplateExpression.IsTrue(Argument(0)),
            "and" => arguments.FirstOrDefault(value => !TemplateExpression.IsTrue(value), arguments[^1]),
            "or" => arguments.FirstOrDefault(TemplateExpression.IsTrue, arguments[^1]),
            _ => throw new Failure($"--format: there is no function '{name}'", "known: json join split title lower upper pad truncate printf println len index eq ne lt le gt ge not and or"),
        };
    }

    /// <summary>Numbers by their size, anything else as text.</summary>
    private static int Compare(IReadOnlyList<object?> arguments)
        => arguments is not [var one, var other] ? throw new Failure("--format: a comparison needs two values")
            : decimal.TryParse(TemplateObject.Print(one), CultureInfo.InvariantCulture, out decimal left) && decimal.TryParse(TemplateObject.Print(other), CultureInfo.InvariantCulture, out decimal right)
                ? left.CompareTo(right) : string.CompareOrdinal(TemplateObject.Print(one), TemplateObject.Print(other));

    private static long Length(object? value) => value is string text ? text.Length : TemplateExpression.Items(value).LongCount();

    private static object? Index(IReadOnlyList<object?> arguments)
    {
        object? value = arguments[0];
        foreach (object? key in arguments.Skip(1))
        {
            value = value switch
            {
                IReadOnlyDictionary<string, string> map => map.GetValueOrDefault(TemplateObject.Print(key)),
                TemplateObject nested => nested.TryGet(TemplateObject.Print(key), out object? field) ? field : null,
                IEnumerable<object?> list when key is long position => list.ElementAtOrDefault((int)position),
                _ => throw new Failure($"--format: index can't look into '{TemplateObject.Print(value)}'"),
            };
        }

        return value;
    }
}
