using Timur.Build.Dockerfiles;
using Xunit;

namespace Timur.Tests.Build;

public class DockerfileTests
{
    private static Dockerfile Parse(string text) => Dockerfile.Parse("Dockerfile", text);

    private static T First<T>(string text)
        where T : Instruction
        => Assert.IsType<T>(Parse("FROM a\n" + text).Stages[0].Instructions[0]);

    private static Failure Fails(string text) => Assert.Throws<Failure>(() => Parse(text));

    [Fact]
    public void Stages_have_their_instructions_names_and_platforms()
    {
        Dockerfile file = Parse("ARG V=1\nFROM --platform=$BUILDPLATFORM a AS Build\nRUN x\nFROM build\nCMD y\n");
        Assert.Equal("V", file.Globals.Single().Variables.Single().Name);
        Assert.Equal(("a", "build", "$BUILDPLATFORM"), (file.Stages[0].From.Image, file.Stages[0].From.Name, file.Stages[0].From.Platform));
        Assert.Equal(["RUN"], file.Stages[0].Instructions.Select(one => one.Keyword));
        Assert.Equal("stage 1", file.Stages[1].Title);
    }

    [Fact]
    public void Continued_lines_are_joined_without_comments_and_empty_lines()
    {
        RunInstruction run = First<RunInstruction>("RUN one \\\n  two\\\n# not this\n\n  three \\  \n  four");
        Assert.Equal(["one   two  three   four"], run.Command.Words);
    }

    [Fact]
    public void An_escaped_escape_character_at_the_end_continues_nothing()
        => Assert.Equal([@"echo \\"], First<RunInstruction>("RUN echo \\\\\nCMD x").Command.Words);

    [Fact]
    public void The_escape_directive_changes_what_continues_a_line()
    {
        Dockerfile file = Parse("# escape=`\nFROM a\nRUN one `\n two\\\nCMD c:\\");
        Assert.Equal('`', file.Escape);
        Assert.Equal([@"one  two\"], ((RunInstruction)file.Stages[0].Instructions[0]).Command.Words);
    }

    [Fact]
    public void Directives_end_at_the_first_line_that_is_none()
    {
        Assert.Equal('\\', Parse("# a comment\n# escape=`\nFROM a").Escape);
        Assert.Equal('`', Parse("# syntax=docker/dockerfile:1\n# escape=`\nFROM a").Escape);
        Assert.Contains("a second time", Fails("# escape=`\n# escape=`\nFROM a").Message);
        Assert.Contains("can't be the escape character", Fails("# escape=x\nFROM a").Message);
    }

    [Fact]
    public void Windows_line_ends_and_a_byte_order_mark_are_no_part_of_anything()
        => Assert.Equal(["x"], ((RunInstruction)Parse("\uFEFFFROM a\r\nRUN x\r\n").Stages[0].Instructions[0]).Command.Words);

    [Theory]
    [InlineData("CMD [\"a\", \"b c\"]", false, "a|b c")]
    [InlineData("CMD ['a']", true, "['a']")]
    [InlineData("CMD [\"a\", 1]", true, "[\"a\", 1]")]
    [InlineData("CMD [\"a\"] x", true, "[\"a\"] x")]
    [InlineData("CMD []", false, "")]
    [InlineData("CMD", true, "")]
    public void A_list_of_strings_is_the_exec_form_and_anything_else_a_line_for_the_shell(string text, bool isShell, string words)
    {
        CommandForm command = First<CommandInstruction>(text).Command;
        Assert.Equal((isShell, words), (command.IsShell, string.Join('|', command.Words)));
    }

    [Fact]
    public void A_here_document_that_is_the_whole_command_is_its_script()
    {
        RunInstruction run = First<RunInstruction>("RUN --network=none <<-EOF\n\tone\n\ttwo\n\tEOF\nCMD x");
        Assert.Equal("one\ntwo\n", run.Script?.Content);
        Assert.Equal(["one\ntwo\n"], run.Command.Words);
        Assert.Equal(["RUN --network=none <<-EOF", "\tone", "\ttwo", "\tEOF"], run.At.Lines);
    }

    [Fact]
    public void Here_documents_beside_a_command_are_left_to_the_shell()
    {
        RunInstruction run = First<RunInstruction>("RUN cat <<A >x; cat <<'B'\nin a\nA\nin b\nB");
        Assert.Null(run.Script);
        Assert.Equal(["cat <<A >x; cat <<'B'\nin a\nA\nin b\nB"], run.Command.Words);
    }

    [Fact]
    public void Copy_takes_several_here_documents_of_which_a_quoted_one_does_not_expand()
    {
        CopyInstruction copy = First<CopyInstruction>("COPY <<one <<\"two\" /d/\n$A\none\n$B\ntwo");
        Assert.Equal([("one", true, "$A\n"), ("two", false, "$B\n")], copy.Documents.Select(document => (document.Name, document.Expands, document.Content)));
    }

    [Fact]
    public void Arithmetic_is_no_here_document() => Assert.Equal(["echo $((1<<2)) <<<x"], First<RunInstruction>("RUN echo $((1<<2)) <<<x").Command.Words);

    [Fact]
    public void Flags_of_copy_are_read()
    {
        CopyInstruction copy = First<CopyInstruction>("COPY --from=b --chown=1:2 --chmod=755 --parents --link=true --exclude=*.a --exclude=b a b /c");
        Assert.Equal(("b", "1:2", "755", true, true), (copy.From, copy.Owner, copy.Mode, copy.KeepsParents, copy.IsLink));
        Assert.Equal(["*.a", "b"], copy.Excluded);
        Assert.Equal(["a", "b"], copy.Sources);
        Assert.Equal("/c", copy.Target);
    }

    [Fact]
    public void A_health_check_has_times_and_a_test()
    {
        HealthcheckInstruction health = First<HealthcheckInstruction>("HEALTHCHECK --interval=1m30s --retries=2 CMD a b");
        Assert.Equal((TimeSpan.FromSeconds(90), 2, "a b"), (health.Interval, health.Retries, health.Test?.Words.Single()));
        Assert.Null(First<HealthcheckInstruction>("HEALTHCHECK NONE").Test);
    }

    [Theory]
    [InlineData("FROM a\nRUNN x", "Dockerfile:2: there is no instruction 'RUNN'\n  2 | RUNN x", "RUN")]
    [InlineData("FROM a\n\n\nCOPPY . /", "Dockerfile:4", "COPY")]
    [InlineData("RUN x", "before the first FROM", "FROM")]
    [InlineData("", "has no FROM", "FROM")]
    [InlineData("FROM a AS", "FROM takes an image", "FROM")]
    [InlineData("FROM a AS 1x", "can't be the name of a stage", "letter")]
    [InlineData("FROM a AS x\nFROM b AS X", "a stage 'x' already", "name")]
    [InlineData("FROM a\nCOPY x", "needs sources and a place", "COPY")]
    [InlineData("FROM a\nCOPY --chwon=1 a b", "no flag --chwon", "--chown")]
    [InlineData("FROM a\nCOPY --from=a --from=b c d", "stands there twice", "one of them")]
    [InlineData("FROM a\nENV A", "ENV A has no value", "ENV MODE=fast")]
    [InlineData("FROM a\nENV A=1 B", "'B' isn't NAME=VALUE", "ENV")]
    [InlineData("FROM a\nSHELL sh -c", "JSON list", "SHELL")]
    [InlineData("FROM a\nHEALTHCHECK x", "CMD with a command, or NONE", "HEALTHCHECK")]
    [InlineData("FROM a\nHEALTHCHECK --interval=99999999999999h CMD x", "isn't a span of time", "1m30s")]
    [InlineData("FROM a\nONBUILD ONBUILD RUN x", "ONBUILD ONBUILD", "Dockerfile")]
    [InlineData("FROM a\nONBUILD RNU x", "there is no instruction 'RNU'", "RUN")]
    [InlineData("FROM a\nRUN <<EOF\nx", "<<EOF has no end", "EOF")]
    [InlineData("FROM a\nARG 1=2", "can't be the name of a variable", "ARG")]
    public void A_mistake_names_file_line_and_text_and_what_to_write_instead(string text, string message, string advice)
    {
        Failure failure = Fails(text);
        Assert.Contains(message, failure.Message);
        Assert.Contains(advice, failure.Advice);
    }

    /// <summary>Half of them from pieces of real files in wrong order, half from a file with random bytes changed.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Nothing_but_a_failure_comes_out_of_any_text(int seed)
    {
        string[] pieces =
        [
            "FROM a", "FROM --platform=", " AS ", "RUN ", "COPY ", "ADD ", "ENV ", "LABEL ", "ARG ", "HEALTHCHECK ", "ONBUILD ", "SHELL ", "--from=", "--mount=type=cache,", "--interval=", "--", "=", "\"", "'", "\\", "\\\n", "`",
            "# escape=`\n", "\n", "\r\n", "<<EOF", "<<-'X'", "\nEOF\n", "[\"a\"", "]", "${A", "${A:-", "}", "$", "${A//", "*", "\0", "\uFEFF", "é", "\uD800", "\t", " ", "NONE", "CMD ", "1h", "99999999999999999h",
        ];
        var random = new Random(seed);
        const string whole = "# escape=\\\nARG A=1\nFROM a AS b\nRUN <<EOF\nx\nEOF\nCOPY --chown=1 a b /\nENV A=\"b\" C=${D:-e}\nHEALTHCHECK --interval=3s CMD [\"x\"]\n";
        for (int round = 0; round < 5000; round++)
        {
            char[] changed = whole.ToCharArray();
            for (int i = 0; i < 4; i++)
            {
                changed[random.Next(changed.Length)] = (char)random.Next(1, 300);
            }

            Try(new string(changed));
            Try("FROM a\n" + string.Concat(Enumerable.Range(0, random.Next(12)).Select(_ => pieces[random.Next(pieces.Length)])));
        }
    }

    private static void Try(string text)
    {
        try
        {
            Dockerfile file = Parse(text);
            foreach (Instruction instruction in file.Stages.SelectMany(stage => stage.Instructions))
            {
                ExpandAll(instruction, file.Escape);
            }
        }
        catch (Failure e)
        {
            Assert.NotEmpty(e.Message);
        }
    }

    private static void ExpandAll(Instruction instruction, char escape)
    {
        var expansion = new Expansion(name => name.Length % 2 == 0 ? null : name + " " + name, escape, instruction.At);
        IEnumerable<string> texts = instruction switch
        {
            EnvInstruction env => env.Variables.SelectMany(pair => (string[])[pair.Name, pair.Value]),
            LabelInstruction label => label.Labels.SelectMany(pair => (string[])[pair.Name, pair.Value]),
            CopyInstruction copy => [.. copy.Sources, copy.Target, .. copy.Documents.Select(document => document.Content)],
            ExposeInstruction expose => expose.Ports,
            TextInstruction text => [text.Text],
            _ => [],
        };
        foreach (string text in texts)
        {
            expansion.Word(text);
            expansion.Words(text);
            expansion.Text(text);
        }
    }
}
