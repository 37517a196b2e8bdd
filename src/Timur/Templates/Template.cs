using System.Text;

namespace Timur.Templates;

/// <summary>
/// A Go text/template, as far as scripts use it with containers: fields and chains, pipes, strings, functions (json, join, split, title, lower, upper,
/// pad, truncate, println, index, len, eq, ne, not, and, or), <c>if/else/end</c>, <c>range/end</c>, <c>with/end</c>.
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
        Render(_nodes, value, output);
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
                ending = inBlock ? word : throw new Failure($"--format: {{{{{word}}}}} without a beginning");
                return nodes;
            }

            nodes.Add(word is "if" or "range" or "with" ? ParseBlock(source, ref at, word, action[word.Length..].Trim()) : new PrintNode(action));
        }

        return inBlock ? throw new Failure("--format: {{end}} is missing") : nodes;
    }

    private static BlockNode ParseBlock(string source, ref int at, string kind, string expression)
    {
        List<Node> body = ParseNodes(source, ref at, inBlock: true, out string ending);
        List<Node> otherwise = ending == "else" ? ParseNodes(source, ref at, inBlock: true, out _) : [];
        return new BlockNode(kind, expression, body, otherwise);
    }

    private static void Render(List<Node> nodes, object? value, StringBuilder output)
    {
        foreach (Node node in nodes)
        {
            switch (node)
            {
                case TextNode text: output.Append(text.Text); break;
                case PrintNode print when !print.Expression.StartsWith("/*", StringComparison.Ordinal):
                    output.Append(TemplateObject.Print(TemplateExpression.Evaluate(print.Expression, value)));
                    break;
                case BlockNode block: RenderBlock(block, value, output); break;
            }
        }
    }

    private static void RenderBlock(BlockNode block, object? value, StringBuilder output)
    {
        object? subject = TemplateExpression.Evaluate(block.Expression, value);
        if (!TemplateExpression.IsTrue(subject))
        {
            Render(block.Else, value, output);
            return;
        }

        switch (block.Kind)
        {
            case "if": Render(block.Body, value, output); break;
            case "with": Render(block.Body, subject, output); break;
            default:
                foreach (object? item in TemplateExpression.Items(subject))
                {
                    Render(block.Body, item, output);
                }

                break;
        }
    }
}
