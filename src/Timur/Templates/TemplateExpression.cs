namespace Timur.Templates;

/// <summary>Expressions inside <c>{{ }}</c>.</summary>
internal static class TemplateExpression
{
    /// <summary>Stages separated by pipes; each gets the former's value as its last argument.</summary>
    internal static object? Evaluate(string expression, object? context)
    {
        List<List<string>> stages = Split(expression);
        object? value = null;
        for (int i = 0; i < stages.Count; i++)
        {
            value = EvaluateStage(stages[i], context, i == 0 ? [] : [value]);
        }

        return value;
    }

    internal static bool IsTrue(object? value) => value switch
    {
        null or false or "" or 0 or 0L or 0u => false,
        IReadOnlyDictionary<string, string> map => map.Count > 0,
        IEnumerable<object?> list => list.Any(),
        _ => true,
    };

    internal static IEnumerable<object?> Items(object? value) => value switch
    {
        IReadOnlyDictionary<string, string> map => map.Values,
        IEnumerable<object?> list => list,
        TemplateObject nested => nested.Fields.Select(field => field.Value),
        _ => throw new Failure($"--format: range can't go over '{TemplateObject.Print(value)}'"),
    };

    private static object? EvaluateStage(List<string> words, object? context, object?[] piped)
    {
        if (words.Count == 0)
        {
            throw new Failure("--format: empty action {{}}");
        }

        string first = words[0];
        if (words.Count == 1 && piped.Length == 0)
        {
            return Operand(first, context);
        }

        var arguments = new List<object?>();
        for (int i = 1; i < words.Count; i++)
        {
            arguments.Add(Operand(words[i], context));
        }

        arguments.AddRange(piped);
        return TemplateFunctions.Call(first, arguments);
    }

    private static object? Operand(string word, object? context)
    {
        if (word.StartsWith('(') && word.EndsWith(')'))
        {
            return Evaluate(word[1..^1], context);
        }

        if (word.StartsWith('"') || word.StartsWith('`'))
        {
            return word[1..^1].Replace("\\\"", "\"");
        }

        if (long.TryParse(word, out long number))
        {
            return number;
        }

        return word switch
        {
            "true" => true,
            "false" => false,
            "." or "$" => context,
            _ when word.StartsWith('.') => Field(word, context),
            _ => TemplateFunctions.Call(word, []),
        };
    }

    private static object? Field(string chain, object? context)
    {
        object? value = context;
        foreach (string name in chain.Split('.', StringSplitOptions.RemoveEmptyEntries))
        {
            value = value switch
            {
                TemplateObject fields => fields.TryGet(name, out object? field) ? field
                    : throw new Failure($"--format: there is no field .{name}", $"there are: {string.Join(' ', fields.Fields.Select(known => "." + known.Key))}"),
                IReadOnlyDictionary<string, string> map => map.GetValueOrDefault(name),
                _ => throw new Failure($"--format: '{TemplateObject.Print(value)}' has no field .{name}"),
            };
        }

        return value;
    }

    /// <summary>Words of each stage; strings and parentheses stay together.</summary>
    private static List<List<string>> Split(string expression)
    {
        var stages = new List<List<string>> { new() };
        int at = 0;
        while (at < expression.Length)
        {
            char c = expression[at];
            if (c == '|')
            {
                stages.Add([]);
                at++;
            }
            else if (char.IsWhiteSpace(c))
            {
                at++;
            }
            else
            {
                int end = WordEnd(expression, at);
                stages[^1].Add(expression[at..end]);
                at = end;
            }
        }

        return stages;
    }

    private static int WordEnd(string text, int start)
    {
        char c = text[start];
        int at = start + 1;
        if (c is '"' or '`')
        {
            while (at < text.Length && text[at] != c)
            {
                at += text[at] == '\\' && c == '"' ? 2 : 1;
            }

            return at < text.Length ? at + 1 : throw new Failure($"--format: the string {text[start..]} doesn't end");
        }

        int depth = c == '(' ? 1 : 0;
        while (at < text.Length && (depth > 0 || !(char.IsWhiteSpace(text[at]) || text[at] == '|')))
        {
            depth += text[at] == '(' ? 1 : text[at] == ')' ? -1 : 0;
            at++;
        }

        return depth == 0 ? at : throw new Failure($"--format: the parenthesis in {text[start..]} doesn't close");
    }
}
