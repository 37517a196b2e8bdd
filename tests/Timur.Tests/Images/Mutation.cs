using System.Text;

namespace Timur.Tests.Images;

/// <summary>
/// Damages documents, beginning with a corpus of good ones. What leads to an answer that wasn't seen before joins the corpus, so that later damage goes deeper.
/// </summary>
/// <param name="words">What is put in: words of the format, and what programs trip on.</param>
internal sealed class Mutation(int seed, IEnumerable<string> corpus, params string[] words)
{
    private const int MostKept = 2000;
    private const int LongestText = 20_000;

    private static readonly string[] Odd =
    [
        "", "\0", "\n", "\r\n", "\t", "\\", "\"", "'", "$", "${", "}", "{", "[", "]", ",", ":", "/", "..", "../../escape", "/escape", "//", "~", "=", "-1", "0", "1e999", "9223372036854775807",
        "18446744073709551616", "null", "true", "\ud83d\ude00", "\ufeff", "é", "\ud800", "%s", "sha256:", "sha256:zz", "sha512:" + new string('a', 128), new string('[', 300), new string('x', 3000),
        "{\"a\":" + new string('[', 100),
    ];

    private readonly Random _random = new(seed);
    private readonly List<string> _corpus = [.. corpus];
    private readonly HashSet<string> _seen = [];

    /// <summary>How many answers there were that differ in more than numbers and names.</summary>
    internal int Kinds => _seen.Count;

    /// <summary>Damages and asks so many times; the first answer that is no <see cref="Failure"/> ends it.</summary>
    /// <param name="ask">What is asked of a document; what it returns says how it answered.</param>
    internal void Run(int cases, Func<string, string> ask)
    {
        _corpus.ForEach(text => _seen.Add(Answer(ask, text)));
        for (int i = 0; i < cases; i++)
        {
            string text = Damage(_corpus[_random.Next(_corpus.Count)]);
            if (_seen.Add(Answer(ask, text)) && _corpus.Count < MostKept)
            {
                _corpus.Add(text);
            }
        }
    }

    private static string Answer(Func<string, string> ask, string text)
    {
        try
        {
            return ask(text);
        }
        catch (Failure e)
        {
            return Shape(e.Message);
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"{e.GetType().Name}: {e.Message} for\n{text}", e);
        }
    }

    /// <summary>One to five times: cut, doubled, replaced, put together with another.</summary>
    private string Damage(string text)
    {
        var damaged = new StringBuilder(text);
        for (int i = _random.Next(1, 6); i > 0; i--)
        {
            int at = _random.Next(damaged.Length + 1);
            int length = Math.Min(_random.Next(4) == 0 ? _random.Next(200) : _random.Next(12), damaged.Length - at);
            switch (_random.Next(7))
            {
                case 0: damaged.Remove(at, length); break;
                case 1: damaged.Insert(_random.Next(damaged.Length + 1), damaged.ToString(at, length)); break;
                case 2: damaged.Remove(at, length).Insert(at, Word()); break;
                case 3: damaged.Insert(at, Word()); break;
                case 4: damaged.Remove(at, damaged.Length - at); break;
                case 5 when damaged.Length > at: damaged[at] = (char)_random.Next(_random.Next(3) == 0 ? 0x10000 : 128); break;
                default:
                    string other = _corpus[_random.Next(_corpus.Count)];
                    damaged.Remove(at, damaged.Length - at).Append(other.AsSpan(_random.Next(other.Length + 1)));
                    break;
            }
        }

        return damaged.Length > LongestText ? damaged.ToString(0, LongestText) : damaged.ToString();
    }

    private string Word() => _random.Next(2) == 0 && words.Length > 0 ? words[_random.Next(words.Length)] : Odd[_random.Next(Odd.Length)];

    /// <summary>The first line of a message without numbers and what is quoted.</summary>
    private static string Shape(string message)
    {
        var shape = new StringBuilder();
        bool quoted = false;
        foreach (char c in message.AsSpan(0, Math.Min(message.Length, 300)))
        {
            if (c == '\n')
            {
                break;
            }

            quoted ^= c is '\'' or '"';
            if (!quoted && !char.IsAsciiDigit(c) && c < 128)
            {
                shape.Append(c);
            }
        }

        return shape.Length > 60 ? shape.ToString(0, 60) : shape.ToString();
    }
}
