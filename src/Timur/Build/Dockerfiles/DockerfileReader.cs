using System.Text;
using Timur.CommandLine;

namespace Timur.Build.Dockerfiles;

/// <summary>An instruction whose words haven't been looked at.</summary>
/// <param name="Keyword">As it is written.</param>
/// <param name="Rest">What stands behind it, continued lines joined.</param>
internal sealed record RawInstruction(Place At, string Keyword, string Rest, IReadOnlyList<HereDocument> Documents);

/// <summary>Lines to instructions: parser directives, comments, continued lines, here-documents.</summary>
internal sealed class DockerfileReader
{
    private readonly string _file;
    private readonly string[] _lines;
    private int _next;

    internal DockerfileReader(string file, string text)
    {
        _file = file;
        _lines = text.TrimStart('\uFEFF').Split('\n');
        for (int i = 0; i < _lines.Length; i++)
        {
            _lines[i] = _lines[i].TrimEnd('\r');
        }

        ReadDirectives();
    }

    /// <summary>What continues a line and takes the meaning of a character: a backslash, unless the directive says otherwise.</summary>
    internal char Escape { get; private set; } = '\\';

    /// <summary>The value of <c># syntax=</c>, which this engine doesn't need.</summary>
    internal string? Syntax { get; private set; }

    internal List<RawInstruction> ReadAll()
    {
        var instructions = new List<RawInstruction>();
        while (Next() is { } instruction)
        {
            instructions.Add(instruction);
        }

        return instructions;
    }

    /// <summary>Comments of the form <c># name=value</c> before anything else; the first line of another form ends them.</summary>
    private void ReadDirectives()
    {
        var seen = new HashSet<string>();
        while (_next < _lines.Length)
        {
            string line = _lines[_next].Trim();
            int equals = line.IndexOf('=');
            if (!line.StartsWith('#') || equals < 0)
            {
                return;
            }

            string name = line[1..equals].Trim().ToLowerInvariant();
            string value = line[(equals + 1)..].Trim();
            if (name is not ("syntax" or "escape" or "check"))
            {
                return;
            }

            if (!seen.Add(name))
            {
                throw Here(_next).Error($"the directive '{name}' stands there a second time", "leave one of them out");
            }

            Apply(name, value);
            _next++;
        }
    }

    private void Apply(string name, string value)
    {
        switch (name)
        {
            case "escape" when value is "\\" or "`": Escape = value[0]; break;
            case "escape": throw Here(_next).Error($"'{value}' can't be the escape character", "use \\ or `");
            case "syntax": Syntax = value; break;
        }
    }

    private RawInstruction? Next()
    {
        SkipBlanks();
        if (_next == _lines.Length)
        {
            return null;
        }

        int first = _next;
        string logical = ReadContinued();
        int end = 0;
        while (end < logical.Length && !char.IsWhiteSpace(logical[end]))
        {
            end++;
        }

        string keyword = logical[..end];
        string rest = logical[end..].Trim();
        var documents = new List<HereDocument>();
        if (TakesDocuments(keyword, rest))
        {
            foreach ((string name, bool strips, bool expands) in HereDocument.Announced(rest, Escape))
            {
                documents.Add(ReadDocument(name, strips, expands, first));
            }
        }

        return new RawInstruction(new Place(_file, first + 1, _lines[first.._next]), keyword, rest, documents);
    }

    private static bool TakesDocuments(string keyword, string rest) => keyword.ToUpperInvariant() switch
    {
        "RUN" or "COPY" or "ADD" => rest.Contains("<<", StringComparison.Ordinal) && Words.TryJson(rest) is null,
        "ONBUILD" => rest.Split([' ', '\t'], 2) is [var inner, var more] && !inner.Equals("ONBUILD", StringComparison.OrdinalIgnoreCase) && TakesDocuments(inner, more.Trim()),
        _ => false,
    };

    private void SkipBlanks()
    {
        while (_next < _lines.Length && _lines[_next].AsSpan().Trim() is [] or ['#', ..])
        {
            _next++;
        }
    }

    /// <summary>Comments and empty lines between continued ones are left out.</summary>
    private string ReadContinued()
    {
        var text = new StringBuilder();
        bool continues = Append(text, _lines[_next++].TrimStart());
        while (continues && _next < _lines.Length)
        {
            string line = _lines[_next++];
            if (line.AsSpan().Trim() is not ([] or ['#', ..]))
            {
                continues = Append(text, line);
            }
        }

        return text.ToString();
    }

    /// <summary>True when the line ends in the escape character, which is taken away with the spaces behind it.</summary>
    private bool Append(StringBuilder text, string line)
    {
        string trimmed = line.TrimEnd(' ', '\t');
        bool continues = trimmed.EndsWith(Escape) && !(trimmed.Length > 1 && trimmed[^2] == Escape);
        text.Append(continues ? trimmed[..^1] : line);
        return continues;
    }

    private HereDocument ReadDocument(string name, bool strips, bool expands, int first)
    {
        var raw = new StringBuilder();
        var content = new StringBuilder();
        while (_next < _lines.Length)
        {
            string line = _lines[_next++];
            string stripped = strips ? line.TrimStart('\t') : line;
            if (stripped == name)
            {
                return new HereDocument(name, expands, raw.ToString(), content.ToString(), line);
            }

            raw.Append(line).Append('\n');
            content.Append(stripped).Append('\n');
        }

        throw Here(first).Error($"the here-document <<{name} has no end", $"end it with a line that is {name} and nothing else");
    }

    private Place Here(int line) => new(_file, line + 1, [_lines[line]]);

    /// <summary>The instruction that a mistyped word was meant to be.</summary>
    internal static string Suggest(string keyword, IEnumerable<string> known)
        => Spelling.Nearest(keyword.ToUpperInvariant(), known) is { } near ? $"did you mean {near}?" : $"instructions are {string.Join(' ', known)}";
}
