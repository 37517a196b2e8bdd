using System.Text;

namespace Timur.Build.Dockerfiles;

/// <summary>
/// Variables and quotes in the words of an instruction, as in a shell: <c>$name</c>, <c>${name}</c> and with it <c>:-</c>, <c>-</c>, <c>:+</c>, <c>+</c>,
/// <c>:?</c>, <c>?</c>, <c>#</c>, <c>##</c>, <c>%</c>, <c>%%</c>, <c>/</c>, <c>//</c> (Dockerfile reference, "Environment replacement").
/// </summary>
/// <param name="lookup">The value of a variable, or null when it isn't set.</param>
public sealed class Expansion(Func<string, string?> lookup, char escape, Place at)
{
    private const int DeepestNesting = 50;

    /// <summary>What a large word may grow to; more is a mistake or an attack.</summary>
    private const int LongestResult = 1 << 20;

    private string _text = "";
    private int _next;
    private int _depth;

    /// <summary>Names of variables that were asked for.</summary>
    public HashSet<string> Used { get; } = [];

    /// <summary>One word: variables are replaced, quotes and escapes taken away.</summary>
    public string Word(string text) => string.Concat(Run(text, keepQuotes: false, splits: false));

    /// <summary>The text of a here-document: quotes are ordinary characters.</summary>
    public string Text(string text) => string.Concat(Run(text, keepQuotes: true, splits: false));

    /// <summary>As <see cref="Word"/>; a value with spaces that isn't quoted becomes several words.</summary>
    public List<string> Words(string text) => Run(text, keepQuotes: false, splits: true);

    private List<string> Run(string text, bool keepQuotes, bool splits)
    {
        (_text, _next, _depth) = (text, 0, 0);
        var words = new List<string>();
        var word = new StringBuilder();
        bool inWord = false;
        while (_next < _text.Length)
        {
            char c = _text[_next];
            if (splits && char.IsWhiteSpace(c))
            {
                End();
                _next++;
                continue;
            }

            bool isVariable = c == '$';
            bool quoted = c is '"' or '\'' && !keepQuotes;
            string piece = Piece(keepQuotes);
            if (splits && isVariable)
            {
                foreach (char one in piece)
                {
                    if (char.IsWhiteSpace(one))
                    {
                        End();
                    }
                    else
                    {
                        word.Append(one);
                        inWord = true;
                    }
                }

                continue;
            }

            word.Append(piece);
            inWord |= piece.Length > 0 || quoted;
            if (word.Length > LongestResult)
            {
                throw at.Error($"the text grows to more than {LongestResult} characters when its variables are replaced", "shorten the values");
            }
        }

        End();
        return words;

        void End()
        {
            if (inWord)
            {
                words.Add(word.ToString());
            }

            word.Clear();
            inWord = false;
        }
    }

    /// <summary>The next character, quoted text, or variable.</summary>
    private string Piece(bool keepQuotes)
    {
        char c = _text[_next];
        if (c == '$')
        {
            return Variable(keepQuotes);
        }

        if (c == escape && _next + 1 < _text.Length)
        {
            // In a here-document only a variable can be escaped.
            char escaped = _text[_next + 1];
            _next += 2;
            return keepQuotes && escaped != '$' && escaped != escape ? $"{c}{escaped}" : escaped.ToString();
        }

        _next++;
        return keepQuotes ? c.ToString() : c switch
        {
            '\'' => SingleQuoted(),
            '"' => DoubleQuoted(),
            _ => c.ToString(),
        };
    }

    private string SingleQuoted()
    {
        int end = _text.IndexOf('\'', _next);
        if (end < 0)
        {
            throw at.Error("a single quote isn't closed", "write the second ', or \\' for the character itself");
        }

        string content = _text[_next..end];
        _next = end + 1;
        return content;
    }

    private string DoubleQuoted()
    {
        var content = new StringBuilder();
        while (_next < _text.Length)
        {
            char c = _text[_next];
            if (c == '"')
            {
                _next++;
                return content.ToString();
            }

            if (c == '$')
            {
                content.Append(Variable(keepQuotes: false));
                continue;
            }

            _next++;
            if (c == escape && _next < _text.Length)
            {
                char escaped = _text[_next++];
                content.Append(escaped is '"' or '$' || escaped == escape ? "" : c.ToString()).Append(escaped);
                continue;
            }

            content.Append(c);
        }

        throw at.Error("a double quote isn't closed", "write the second \", or \\\" for the character itself");
    }

    private string Variable(bool keepQuotes)
    {
        _next++;
        if (_next < _text.Length && _text[_next] == '{')
        {
            _next++;
            return Braced(keepQuotes);
        }

        string name = Name();
        return name.Length == 0 ? "$" : Value(name) ?? "";
    }

    private string Name()
    {
        int start = _next;
        if (start < _text.Length && (char.IsAsciiDigit(_text[start]) || "@*#".Contains(_text[start])))
        {
            _next++;
            return _text[start..(start + 1)];
        }

        while (_next < _text.Length && (char.IsAsciiLetterOrDigit(_text[_next]) || _text[_next] == '_'))
        {
            _next++;
        }

        return _text[start.._next];
    }

    private string Braced(bool keepQuotes)
    {
        string name = Name();
        if (name.Length == 0 || _next == _text.Length)
        {
            throw Bad();
        }

        string? value = Value(name);
        char c = _text[_next++];
        switch (c)
        {
            case '}':
                return value ?? "";
            case ':' when _next < _text.Length && _text[_next] is '-' or '+' or '?':
                return Choose(name, _text[_next++], string.IsNullOrEmpty(value) ? null : value, value ?? "", keepQuotes);
            case '-' or '+' or '?':
                return Choose(name, c, value, value ?? "", keepQuotes);
            case '#' or '%':
                bool longest = _next < _text.Length && _text[_next] == c;
                _next += longest ? 1 : 0;
                string pattern = Until('}', keepQuotes);
                return c == '#' ? Pattern.TrimStart(value ?? "", pattern, longest) : Pattern.TrimEnd(value ?? "", pattern, longest);
            case '/':
                bool all = _next < _text.Length && _text[_next] == '/';
                _next += all ? 1 : 0;
                string what = Until('/', keepQuotes);
                if (value?.Length > Pattern.LongestSearched)
                {
                    throw at.Error($"{name} is too long to replace a part of it", $"the limit is {Pattern.LongestSearched} characters");
                }

                return Pattern.Replace(value ?? "", what, Until('}', keepQuotes), all);
            default:
                throw Bad();
        }
    }

    private string Choose(string name, char how, string? set, string value, bool keepQuotes)
    {
        string word = Until('}', keepQuotes);
        return how switch
        {
            '-' => set is null ? word : value,
            '+' => set is null ? "" : word,
            _ => set is not null ? value : throw at.Error($"{name}: {(word.Length == 0 ? "isn't set" : word)}", $"give it a value: --build-arg {name}=…, ARG or ENV"),
        };
    }

    /// <summary>Nested text up to the closing character, which is read too.</summary>
    private string Until(char end, bool keepQuotes)
    {
        if (++_depth > DeepestNesting)
        {
            throw at.Error("variables are nested too deeply", "give the inner ones names of their own by ARG");
        }

        var content = new StringBuilder();
        while (_next < _text.Length && _text[_next] != end)
        {
            content.Append(Piece(keepQuotes));
        }

        if (_next == _text.Length)
        {
            throw Bad();
        }

        _next++;
        _depth--;
        return content.ToString();
    }

    private string? Value(string name)
    {
        Used.Add(name);
        return lookup(name);
    }

    private Failure Bad() => at.Error($"'{(_text.Length > 60 ? _text[..60] + "…" : _text)}' has a ${{ that can't be understood", "write ${NAME}, ${NAME:-default}, ${NAME:+text}, ${NAME#pattern}, ${NAME%pattern} or ${NAME/pattern/text}; \\$ is the character itself");
}
