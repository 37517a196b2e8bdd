using Timur.Build.Dockerfiles;
using Xunit;

namespace Timur.Tests.Build;

public class ExpansionTests
{
    private static readonly Place Somewhere = new("Dockerfile", 1, ["ENV …"]);

    private static readonly Dictionary<string, string> Variables = new() { ["A"] = "one", ["B"] = "two words", ["EMPTY"] = "", ["F"] = "foobarbar", ["P"] = "/usr/local/lib.tar.gz" };

    private static Expansion New(char escape = '\\') => new(Variables.GetValueOrDefault, escape, Somewhere);

    [Theory]
    [InlineData("$A", "one")]
    [InlineData("${A}x", "onex")]
    [InlineData("$Ax", "")]
    [InlineData("$", "$")]
    [InlineData("a$ b", "a$ b")]
    [InlineData("\\$A", "$A")]
    [InlineData("'$A'", "$A")]
    [InlineData("\"$A \\\"x\\\" \\$A \\n\"", "one \"x\" $A \\n")]
    [InlineData("a\\ b", "a b")]
    [InlineData("${X:-d}", "d")]
    [InlineData("${EMPTY:-d}", "d")]
    [InlineData("${EMPTY-d}", "")]
    [InlineData("${X-$A}", "one")]
    [InlineData("${X:-${Y:-deep}}", "deep")]
    [InlineData("${A:+set}${EMPTY:+not}", "set")]
    [InlineData("${EMPTY+set}", "set")]
    [InlineData("${A:?no}", "one")]
    [InlineData("${F#foo}", "barbar")]
    [InlineData("${F#*b}", "arbar")]
    [InlineData("${F##*b}", "ar")]
    [InlineData("${F%bar}", "foobar")]
    [InlineData("${F%b*}", "foobar")]
    [InlineData("${F%%b*}", "foo")]
    [InlineData("${P##*/}", "lib.tar.gz")]
    [InlineData("${P%%.*}", "/usr/local/lib")]
    [InlineData("${F/bar/X}", "fooXbar")]
    [InlineData("${F//bar/X}", "fooXX")]
    [InlineData("${F//o?/X}", "fXbarbar")]
    [InlineData("${F/bar/$A}", "fooonebar")]
    [InlineData("${X:-\"q $A\"}", "q one")]
    public void Variables_and_quotes_are_replaced_as_in_a_shell(string text, string expected) => Assert.Equal(expected, New().Word(text));

    [Theory]
    [InlineData("$B", "two|words")]
    [InlineData("\"$B\"", "two words")]
    [InlineData("a $B b", "a|two|words|b")]
    [InlineData("$EMPTY \"\"", "")]
    public void A_value_with_spaces_becomes_words_unless_it_is_quoted(string text, string expected) => Assert.Equal(expected, string.Join('|', New().Words(text)));

    [Fact]
    public void In_a_here_document_quotes_are_characters() => Assert.Equal("\"one\" 'one' $A \\n\n", New().Text("\"$A\" '$A' \\$A \\n\n"));

    [Fact]
    public void Another_escape_character_takes_the_meaning() => Assert.Equal(@"c:\one $A", New('`').Word(@"c:\$A `$A"));

    [Theory]
    [InlineData("${X:?give it}", "X: give it")]
    [InlineData("${X?}", "X: isn't set")]
    [InlineData("${", "can't be understood")]
    [InlineData("${A", "can't be understood")]
    [InlineData("${A:", "can't be understood")]
    [InlineData("${A!b}", "can't be understood")]
    [InlineData("'a", "single quote")]
    [InlineData("\"a", "double quote")]
    public void What_can_not_be_understood_is_a_failure_with_the_line(string text, string message)
    {
        Failure failure = Assert.Throws<Failure>(() => New().Word(text));
        Assert.Contains("Dockerfile:1", failure.Message);
        Assert.Contains(message, failure.Message);
        Assert.NotNull(failure.Advice);
    }

    [Fact]
    public void Nesting_and_growth_have_an_end()
    {
        Assert.Throws<Failure>(() => New().Word(string.Concat(Enumerable.Repeat("${X:-", 1000)) + string.Concat(Enumerable.Repeat("}", 1000))));
        Assert.Throws<Failure>(() => new Expansion(_ => new string('x', 1000), '\\', Somewhere).Word(string.Concat(Enumerable.Repeat("$A", 2000))));
    }
}
