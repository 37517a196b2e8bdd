namespace Timur.Templates;

/// <summary>Expressions inside <c>{{ }}</c>.</summary>
internal static class TemplateExpression
{
    /// <summary>Stages separated by pipes; each gets the former's value as its last argument.</summary>
    internal static object? Evaluate(string expression, TemplateScope scope)
    {
        List<List<string>> stages = Split(expression);
        object? value = null;
        for (int i = 0; i < stages.Count; i++)
        {
            value = EvaluateStage(stages[i], scope, i == 0 ? [] : [value]);
        }

        return value;
    }

    internal static bool IsTrue(object? value) => value switch
    {
        null or false or "" or 0 or 0L or 0u => false,
        IReadOnlyDictionary<string, string> map => map.Count > 0,
        IEnumerable<object?> list => list.Any(),
        TemplateObject nested => nested.Fields.Count > 0,
        _ => true,
    };

    internal static IEnumerable<object?> Items(object? value) => Entries(value).Select(entry => entry.Value);

    /// <summary>What <c>range</c> goes over: positions or keys, sorted as Go sorts them, with their values.</summary>
    internal static IEnumerable<(object? Key, object? Value)> Entries(object? value) => value switch
    {
        null => [],
        IReadOnlyDictionary<string, string> map => map.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => ((object?)pair.Key, (object?)pair.Value)),
        IEnumerable<object?> list => list.Select((item, index) => ((object?)(long)index, item)),
        TemplateObject nested => nested.Fields.OrderBy(field => field.Key, StringComparer.Ordinal).Select(field => ((object?)field.Key, field.Value)),
        _ => throw new Failure($"--format: range can't go over '{TemplateObject.Print(value)}'"),
    };

    private static object? EvaluateStage(List<string> words, TemplateScope scope, object?[] piped)
    {
        if (words.Count == 0)
        {
            throw new Failure("--format: empty action {{}}");
        }

        string first = words[0];
        if (words.Count == 1 && piped.Length == 0)
        {
            return Operand(first, scope);
        }

        var arguments = new List<object?>();
        for (int i = 1; i < words.Count; i++)
        {
            arguments.Add(Operand(words[i], scope));
        }

        arguments.AddRange(piped);
        return !first.StartsWith('.') ? TemplateFunctions.Call(first, arguments)
            : Field(first, scope.Dot) is Func<string, string> method && arguments.Count == 1 ? method(TemplateObject.Print(arguments[0]))
            : throw new Failure($"--format: {first} takes no argument");
    }

    private static object? Operand(string word, TemplateScope scope)
    {
        if (word.StartsWith('('))
        {
            int end = Closing(word, 0);
            object? inside = Evaluate(word[1..end], scope);
            return end + 1 < word.Length ? Field(word[(end + 1)..], inside) : inside;
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
            "." => scope.Dot,
            _ when word.StartsWith('.') => Field(word, scope.Dot),
            _ when word.StartsWith('$') => Variable(word, scope),
            _ => TemplateFunctions.Call(word, []),
        };
    }

    /// <summary><c>$</c>, <c>$name</c>, or a field of one of them.</summary>
    private static object? Variable(string word, TemplateScope scope)
    {
        int dot = word.IndexOf('.');
        object? value = scope.Find(dot < 0 ? word : word[..dot]);
        return dot < 0 ? value : Field(word[dot..], value);
    }

    /// <summary>Where the parenthesis that opens at <paramref name="start"/> closes; those in strings don't count.</summary>
    private static int Closing(string text, int start)
    {
        int depth = 0;
        for (int at = start; at < text.Length; at++)
        {
            switch (text[at])
            {
                case '(': depth++; break;
                case ')' when --depth == 0: return at;
                case '"' or '`': at = WordEnd(text, at) - 1; break;
            }
        }

        throw new Failure($"--format: the parenthesis in {text[start..]} doesn't close");
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

        at = c == '(' ? Closing(text, start) + 1 : at;
        while (at < text.Length && !(char.IsWhiteSpace(text[at]) || text[at] == '|'))
        {
            at = text[at] == '(' ? Closing(text, at) + 1 : at + 1;
        }

        return at;
    }
}
