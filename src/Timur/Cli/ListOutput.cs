using System.Text;
using Timur.CommandLine;
using Timur.Templates;

namespace Timur.Cli;

/// <summary>Lists on the terminal: a table, JSON lines, or a template, as <c>--format</c> says.</summary>
internal static class ListOutput
{
    internal static readonly Option[] Options =
    [
        Option.Value("format", "json|TEMPLATE", "JSON lines, a Go template, or 'table TEMPLATE'"),
        Option.List("filter", "KEY=VALUE", "show only what matches", 'f'),
        Option.Flag("quiet", "only ids", 'q'),
        Option.Flag("no-trunc", "don't shorten ids and commands"),
        Option.Flag("noheading", "no line of headings"),
    ];

    /// <param name="columns">Table heading and field of each column.</param>
    internal static void Print(CommandContext context, Arguments arguments, IReadOnlyList<TemplateObject> rows, IReadOnlyList<(string Heading, string Field)> columns, string idField = "ID")
    {
        if (arguments.Has("quiet"))
        {
            var ids = new StringBuilder();
            foreach (TemplateObject row in rows)
            {
                ids.Append(row.TryGet(idField, out object? id) ? id : "").Append('\n');
            }

            context.OutText(ids.ToString());
            return;
        }

        switch (arguments.Text("format"))
        {
            case null or "" or "table": context.OutText(Without(arguments, Table(rows, columns))); break;
            case "json":
                foreach (TemplateObject row in rows)
                {
                    context.Out(row.ToJson());
                }

                break;
            case { } text when text.StartsWith("table ", StringComparison.Ordinal): context.OutText(Without(arguments, TemplateTable(text["table ".Length..], rows))); break;
            case { } text:
                Template template = Template.Parse(text);
                foreach (TemplateObject row in rows)
                {
                    context.Out(template.Render(row));
                }

                break;
        }
    }

    private static string Without(Arguments arguments, string table) => arguments.Has("noheading") ? table[(table.IndexOf('\n') + 1)..] : table;

    private static string Table(IReadOnlyList<TemplateObject> rows, IReadOnlyList<(string Heading, string Field)> columns)
    {
        var lines = new List<string[]> { columns.Select(column => column.Heading).ToArray() };
        foreach (TemplateObject row in rows)
        {
            lines.Add(columns.Select(column => row.TryGet(column.Field, out object? value) ? TemplateObject.Print(value) : "").ToArray());
        }

        return Align(lines);
    }

    /// <summary>Headings are the fields' names, in capitals and with spaces.</summary>
    private static string TemplateTable(string text, IReadOnlyList<TemplateObject> rows)
    {
        Template template = Template.Parse(text);
        string heading = System.Text.RegularExpressions.Regex.Replace(text.Replace("\\t", "\t"), @"\{\{[^}]*?\.(\w+)[^}]*\}\}", match => match.Groups[1].Value.ToUpperInvariant());
        var lines = new List<string[]> { heading.Split('\t') };
        foreach (TemplateObject row in rows)
        {
            lines.Add(template.Render(row).Split('\t'));
        }

        return Align(lines);
    }

    private static string Align(List<string[]> lines)
    {
        int count = lines.Max(line => line.Length);
        int[] widths = new int[count];
        foreach (string[] line in lines)
        {
            for (int i = 0; i < line.Length; i++)
            {
                widths[i] = Math.Max(widths[i], line[i].Length);
            }
        }

        var text = new StringBuilder();
        foreach (string[] line in lines)
        {
            int last = line.Length - 1;
            while (last > 0 && line[last].Length == 0)
            {
                last--;
            }

            for (int i = 0; i <= last; i++)
            {
                text.Append(line[i]).Append(' ', i == last ? 0 : widths[i] + 3 - line[i].Length);
            }

            text.Append('\n');
        }

        return text.ToString();
    }
}
