using System.Text;
using System.Text.RegularExpressions;

namespace Timur.Templates;

/// <summary>
/// A Go text/template, as far as scripts use it with containers: fields and chains, pipes, strings, functions (json, join, split, title, lower, upper,
/// pad, truncate, println, index, len, eq, ne, not, and, or), <c>if/else/end</c>, <c>range/end</c>, <c>with/end</c>, variables.
/// </summary>
public sealed class Template
{
    private readonly List<Node> _nodes;

    private Template(List<Node> nodes) => _nodes = nodes;

    private abstract record Node;

    private sealed record TextNode(string Text) : Node;

    private sealed record PrintNode(string Expression) : Node;

    private sealed record BlockNode(string Kind, string Expression, List<Node> Body, List<Node> Else) : Node;

    /// <summary>Parses; a mistake is a <see cref="Failure"/> that shows the place.</summary>
    public static Template Parse(string text)
    {
        string source = text.Replace("\\t", "\t").Replace("\\n", "\n");
        int at = 0;
        List<Node> nodes = ParseNodes(source, ref at, inBlock: false, out _);
        return new Template(nodes);
    }

    /// <summary>The text for one value.</summary>
    public string Render(object? value)
    {
        var output = new StringBuilder();
        Render(_nodes, new TemplateScope(value), output);
        return output.ToString();
    }

    private static List<Node> ParseNodes(string source, ref int at, bool inBlock, out string ending)
    {
        var nodes = new List<Node>();
        ending = "";
        while (at < source.Length)
        {
            int open = source.IndexOf("{{", at, StringComparison.Ordinal);
            if (open < 0)
            {
                nodes.Add(new TextNode(source[at..]));
                at = source.Length;
                break;
            }

            string before = source[at..open];
            int close = source.IndexOf("}}", open, StringComparison.Ordinal);
            if (close < 0)
            {
                throw new Failure($"--format: '{source[open..]}' has no closing }}}}");
            }

            string inside = source[(open + 2)..close];
            at = close + 2;
            if (inside.StartsWith("- ", StringComparison.Ordinal))
            {
                (before, inside) = (before.TrimEnd(), inside[2..]);
            }

            if (inside.EndsWith(" -", StringComparison.Ordinal))
            {
                inside = inside[..^2];
                while (at < source.Length && char.IsWhiteSpace(source[at]))
                {
                    at++;
                }
            }

            nodes.Add(new TextNode(before));
            string action = inside.Trim();
            string word = action.Split(' ', 2)[0];
            if (word is "end" or "else")
            {
                ending = inBlock ? action : throw new Failure($"--format: {{{{{word}}}}} without a beginning");
                return nodes;
            }

            nodes.Add(word is "if" or "range" or "with" ? ParseBlock(source, ref at, word, action[word.Length..].Trim()) : new PrintNode(action));
        }

        return inBlock ? throw new Failure("--format: {{end}} is missing") : nodes;
    }

    private static BlockNode ParseBlock(string source, ref int at, string kind, string expression)
    {
        List<Node> body = ParseNodes(source, ref at, inBlock: true, out string ending);
        List<Node> otherwise = ending.Split(' ', 3, StringSplitOptions.RemoveEmptyEntries) switch
        {
            ["else"] => ParseNodes(source, ref at, inBlock: true, out _),
            ["else", "if" or "with", _] and [_, var next, var condition] => [ParseBlock(source, ref at, next, condition)],
            _ => [],
        };
        return new BlockNode(kind, expression, body, otherwise);
    }

    private static void Render(List<Node> nodes, TemplateScope scope, StringBuilder output)
    {
        foreach (Node node in nodes)
        {
            switch (node)
            {
                case TextNode text: output.Append(text.Text); break;
                case PrintNode print when !print.Expression.StartsWith("/*", StringComparison.Ordinal): Print(print.Expression, scope, output); break;
                case BlockNode block: RenderBlock(block, scope.Inside(scope.Dot), output); break;
            }
        }
    }

    /// <summary>A value; a variable that gets one prints nothing.</summary>
    private static void Print(string expression, TemplateScope scope, StringBuilder output)
    {
        (string[] names, bool declares, string rest) = Variables(expression);
        object? value = TemplateExpression.Evaluate(rest, scope);
        switch (names)
        {
            case []: output.Append(TemplateObject.Print(value)); break;
            case [var name] when declares: scope.Declare(name, value); break;
            case [var name]: scope.Assign(name, value); break;
            default: throw new Failure($"--format: {{{{{expression}}}}} declares more than one variable", "only range has two: {{range $key, $value := .Labels}}");
        }
    }

    /// <summary>Names before <c>:=</c> or <c>=</c>, and what stands behind.</summary>
    private static (string[] Names, bool Declares, string Value) Variables(string expression)
    {
        // Each action of each row comes here, and hardly one begins so.
        if (!expression.StartsWith('$'))
        {
            return ([], false, expression);
        }

        Match match = Regex.Match(expression, @"^(\$\w+)(?:\s*,\s*(\$\w+))?\s*(:?=)\s*(.+)$", RegexOptions.Singleline);
        return match.Success ? (match.Groups[2].Success ? [match.Groups[1].Value, match.Groups[2].Value] : [match.Groups[1].Value], match.Groups[3].Value == ":=", match.Groups[4].Value) : ([], false, expression);
    }

    private static void RenderBlock(BlockNode block, TemplateScope scope, StringBuilder output)
    {
        (string[] names, _, string rest) = Variables(block.Expression);
        object? subject = TemplateExpression.Evaluate(rest, scope);
        if (block.Kind != "range" && names.Length == 1)
        {
            scope.Declare(names[0], subject);
        }

        if (!TemplateExpression.IsTrue(subject))
        {
            Render(block.Else, scope, output);
            return;
        }

        switch (block.Kind)
        {
            case "if": Render(block.Body, scope, output); break;
            case "with": Render(block.Body, scope.Inside(subject), output); break;
            default:
                foreach ((object? key, object? item) in TemplateExpression.Entries(subject))
                {
                    TemplateScope inside = scope.Inside(item);
                    if (names.Length > 0)
                    {
                        inside.Declare(names[^1], item);
                    }

                    if (names.Length > 1)
                    {
                        inside.Declare(names[0], key);
                    }

                    Render(block.Body, inside, output);
                }

                break;
        }
    }
}
