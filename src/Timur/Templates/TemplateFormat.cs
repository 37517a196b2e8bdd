using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Timur.Templates;

/// <summary><c>printf</c>: the verbs of Go's package fmt that fit texts and whole numbers.</summary>
internal static partial class TemplateFormat
{
    private const int WidestField = 4096;

    /// <summary><c>%s %v %d %q %x %t</c> with width, precision, <c>-</c> and <c>0</c>; <c>%%</c> is a percent sign.</summary>
    internal static string Write(string format, IReadOnlyList<object?> values)
    {
        int next = 0;
        return Verb().Replace(format, match =>
        {
            if (match.Groups["verb"].Value == "%")
            {
                return "%";
            }

            string text = next < values.Count ? One(match, values[next++]) : throw new Failure($"--format: printf has no value for {match.Value}");
            int width = match.Groups["width"].Success ? Math.Min(int.Parse(match.Groups["width"].Value, CultureInfo.InvariantCulture), WidestField) : 0;
            string flags = match.Groups["flags"].Value;
            return flags.Contains('-') ? text.PadRight(width) : text.PadLeft(width, flags.Contains('0') ? '0' : ' ');
        });
    }

    private static string One(Match match, object? value)
    {
        string text = match.Groups["verb"].Value switch
        {
            "s" or "v" or "d" or "t" => TemplateObject.Print(value),
            "q" => TemplateJson.Write(TemplateObject.Print(value), indented: false),
            "x" => value is long number ? number.ToString("x", CultureInfo.InvariantCulture) : Convert.ToHexStringLower(Encoding.UTF8.GetBytes(TemplateObject.Print(value))),
            _ => throw new Failure($"--format: printf doesn't know {match.Value}", "it knows %s %v %d %q %x %t"),
        };
        return match.Groups["precision"] is { Success: true, Length: > 0 and < 5 } precision && int.Parse(precision.Value, CultureInfo.InvariantCulture) is var most && text.Length > most ? text[..most] : text;
    }

    [GeneratedRegex(@"%(?<flags>[-0]*)(?<width>\d{1,5})?(?:\.(?<precision>\d*))?(?<verb>.)", RegexOptions.Singleline)]
    private static partial Regex Verb();
}
