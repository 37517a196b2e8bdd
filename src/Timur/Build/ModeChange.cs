namespace Timur.Build;

/// <summary>
/// <c>--chmod</c>: an octal mode, or changes such as <c>u+x,g=rw,a+X</c> (POSIX.1-2017, chmod, "OPERANDS"). Where it says nobody it means everybody, whatever umask
/// this process has: the same file gives the same image everywhere.
/// </summary>
internal sealed class ModeChange
{
    private const uint Everybody = 0x1FF;
    private const uint AnyExecute = 0x49;
    private const uint SetUser = 0x800;
    private const uint SetGroup = 0x400;
    private const uint Sticky = 0x200;

    private readonly uint? _mode;
    private readonly List<Clause> _clauses = [];

    private ModeChange(uint? mode) => _mode = mode;

    /// <summary>Null for what is neither.</summary>
    internal static ModeChange? TryParse(string text)
    {
        if (RunMount.TryOctal(text, out uint mode))
        {
            return new ModeChange(mode);
        }

        var change = new ModeChange(null);
        return text.Split(',').All(change.TryAdd) ? change : null;
    }

    /// <summary>What a mode becomes.</summary>
    internal uint Apply(uint mode, bool isDirectory)
    {
        if (_mode is { } known)
        {
            return known;
        }

        foreach (Clause clause in _clauses)
        {
            mode = clause.Apply(mode, isDirectory);
        }

        return mode;
    }

    /// <summary>Reads a part such as <c>ug+r-w</c>.</summary>
    private bool TryAdd(string text)
    {
        int at = 0;
        string who = "";
        for (; at < text.Length && "ugoa".Contains(text[at]); at++)
        {
            who += text[at];
        }

        int operations = 0;
        while (at < text.Length && "+-=".Contains(text[at]))
        {
            char operation = text[at++];
            int start = at;
            while (at < text.Length && "rwxXstugo".Contains(text[at]))
            {
                at++;
            }

            string what = text[start..at];
            if (what.Length > 1 && what.AsSpan().IndexOfAny('u', 'g', 'o') >= 0)
            {
                return false;
            }

            _clauses.Add(new Clause(who.Length == 0 ? "a" : who, operation, what));
            operations++;
        }

        return operations > 0 && at == text.Length;
    }

    private sealed record Clause(string Who, char Operation, string What)
    {
        private bool IsFor(char who) => Who.Contains(who) || Who.Contains('a');

        internal uint Apply(uint mode, bool isDirectory)
        {
            uint bits = Bits(mode, isDirectory);
            uint all = (IsFor('u') ? 0x1C0 | SetUser : 0) | (IsFor('g') ? 0x38 | SetGroup : 0) | (IsFor('o') ? 7 | Sticky : 0);

            // A directory's set-id bits stay where they aren't named: GNU's chmod does so, too.
            all &= isDirectory && !What.Contains('s') ? ~(SetUser | SetGroup) : ~0u;
            return Operation switch { '+' => mode | bits, '-' => mode & ~bits, _ => (mode & ~all) | bits };
        }

        private uint Bits(uint mode, bool isDirectory)
        {
            uint one = 0;
            uint special = 0;
            foreach (char c in What)
            {
                one |= c switch
                {
                    'r' => 4,
                    'w' => 2,
                    'x' => 1,
                    'X' => isDirectory || (mode & AnyExecute) != 0 ? 1u : 0,
                    'u' => (mode >> 6) & 7,
                    'g' => (mode >> 3) & 7,
                    'o' => mode & 7,
                    _ => 0,
                };
                special |= c == 's' ? (IsFor('u') ? SetUser : 0) | (IsFor('g') ? SetGroup : 0) : c == 't' && IsFor('o') ? Sticky : 0;
            }

            return (((IsFor('u') ? one << 6 : 0) | (IsFor('g') ? one << 3 : 0) | (IsFor('o') ? one : 0)) & Everybody) | special;
        }
    }
}
