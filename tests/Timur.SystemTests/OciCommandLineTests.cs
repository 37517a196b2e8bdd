using System.Text.Json.Nodes;
using Xunit;

namespace Timur.SystemTests;

/// <summary>What verbs make of a command line that is none, in the words and exit codes of runc 1.3. Its 1.1 is the control where it is told the same.</summary>
public class OciCommandLineTests
{
    private const string Usage = "Incorrect Usage";

    private static readonly string[] Verbs =
    [
        "checkpoint", "create", "delete", "events", "exec", "features", "kill", "list", "pause", "ps", "restore", "resume", "run", "spec", "start", "state", "update",
    ];

    /// <summary>Words behind the global options; exit code; the start of standard output; a part of standard error.</summary>
    public static TheoryData<string, int, string, string> Mistakes => new()
    {
        { "state", 1, Usage + ".\n", "\"state\" requires exactly 1 argument(s)" },
        { "state a b", 1, Usage + ".\n", "\"state\" requires exactly 1 argument(s)" },
        { "exec", 1, Usage + ".\n", "\"exec\" requires a minimum of 1 argument(s)" },
        { "kill", 1, Usage + ".\n", "\"kill\" requires a minimum of 1 argument(s)" },
        { "kill a TERM b", 1, Usage + ".\n", "\"kill\" requires a maximum of 2 argument(s)" },
        { "state none --bogus", 1, Usage + ".\n", "\"state\" requires exactly 1 argument(s)" },
        { "exec --bogus none true", 1, Usage + ": flag provided but not defined: -bogus\n", "flag provided but not defined: -bogus" },
        { "state -Z none", 1, Usage + ": flag provided but not defined: -Z\n", "flag provided but not defined: -Z" },
        { "state ---x none", 1, Usage + ": bad flag syntax: ---x\n", "bad flag syntax: ---x" },
        { "state --=x none", 1, Usage + ": bad flag syntax: --=x\n", "bad flag syntax: --=x" },
        { "create --bundle", 1, Usage + ": flag needs an argument: -bundle\n", "flag needs an argument: -bundle" },
        { "delete --force=perhaps none", 1, Usage + ": invalid boolean value \"perhaps\" for -force: parse error\n", "invalid boolean value" },
        { "exec --preserve-fds=x none true", 1, Usage + ": invalid value \"x\" for flag -preserve-fds: parse error\n", "invalid value" },
        { "run --preserve-fds=99999999999999999999 none", 1, Usage + ": invalid value \"99999999999999999999\" for flag -preserve-fds: value out of range\n", "value out of range" },
        { "exec --additional-gids=x none true", 1, Usage + ": invalid value \"x\" for flag -additional-gids: ", "invalid value" },
        { "events --interval=x none", 1, Usage + ": invalid value \"x\" for flag -interval: parse error\n", "invalid value" },
        { "events --interval=0 none", 1, "", "" },
        { "--bogus list", 1, Usage + ". flag provided but not defined: -bogus\n", "flag provided but not defined: -bogus" },
        { "--debug=perhaps list", 1, Usage + ". invalid boolean value \"perhaps\" for -debug: parse error\n", "invalid boolean value" },
        { "--log", 1, Usage + ". flag needs an argument: -log\n", "flag needs an argument: -log" },
        { "--log-format=yaml list", 1, "", "invalid log-format: yaml" },
        { "--log=/nothing/log state none", 1, "", "open /nothing/log: no such file or directory" },
        { "bogus", 3, "", "No help topic for 'bogus'" },
        { "bogus --help", 3, "", "No help topic for 'bogus'" },
        { "help bogus", 3, "", "No help topic for 'bogus'" },
        { "state none", 1, "", "container does not exist" },
        { "kill none BOGUS", 1, "", "container does not exist" },
        { "exec none true", 255, "", "exec failed: container does not exist" },
        { "exec none -h", 255, "", "exec failed: container does not exist" },
        { "state ..", 1, "", "invalid container ID format" },
    };

    [Theory]
    [MemberData(nameof(Mistakes))]
    public void A_mistake_has_the_exit_code_and_the_words_that_callers_know(string words, int code, string output, string error)
    {
        using var bundle = new OciBundle();
        Outcome outcome = bundle.Execute(words.Split(' '));
        Assert.True(outcome.Code == code && outcome.Error.Replace("\\\"", "\"", StringComparison.Ordinal).Contains(error, StringComparison.Ordinal), outcome.ToString());
        Assert.True(output.Length == 0 ? outcome.Out.Length == 0 : outcome.Out.StartsWith(output, StringComparison.Ordinal) && outcome.Out.Contains("NAME:\n", StringComparison.Ordinal), outcome.ToString());
    }

    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void Every_verb_refuses_an_unknown_option_and_has_help_wherever_it_is_asked_for(string runtime)
    {
        using var bundle = new OciBundle(runtime);
        foreach (string verb in Verbs)
        {
            Outcome outcome = bundle.Execute(verb, "--bogus");
            Assert.True(outcome.Code == 1 && outcome.Error.Contains("flag provided but not defined: -bogus", StringComparison.Ordinal) && outcome.Out.StartsWith(Usage, StringComparison.Ordinal), verb + outcome);
            foreach (string[] words in (string[][])[[verb, "--help"], [verb, "-h"], ["help", verb]])
            {
                outcome = bundle.Execute(words);
                Assert.True(outcome.Code == 0 && outcome.Out.Contains($"runc {verb} - ", StringComparison.Ordinal), verb + outcome);
            }
        }
    }

    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void What_was_wrong_is_in_the_log_that_was_asked_for(string runtime)
    {
        using var bundle = new OciBundle(runtime);
        string log = bundle.Directory + "/log";
        Outcome outcome = bundle.Execute(["--log", log, "--log-format", "json"], ["exec", "--bogus"]);
        Assert.Equal((1, "flag provided but not defined: -bogus\n"), (outcome.Code, outcome.Error));
        JsonNode line = JsonNode.Parse(File.ReadAllText(log))!;
        Assert.Equal(("error", "flag provided but not defined: -bogus"), (line["level"]!.GetValue<string>(), line["msg"]!.GetValue<string>()));
    }

    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void Options_are_read_as_Go_reads_them(string runtime)
    {
        using var bundle = new OciBundle(runtime);
        string id = bundle.Shell("sleep 100").Start();
        foreach (string words in (string[])["list -q", "list --quiet", "list -quiet", "list --q", "list --quiet=T", "list --quiet=1", "list -q=true"])
        {
            Assert.Equal((0, id + "\n"), (bundle.Execute(words.Split(' ')) is var outcome ? outcome.Code : 0, outcome.Out));
        }

        Assert.NotEqual(id + "\n", bundle.Execute("list", "--quiet=f").Out);
        Assert.Equal("--bogus -h\n", bundle.Execute("exec", "-e", "A=1", id, "echo", "--bogus", "-h").Out);
        Assert.Equal("1 2\n", bundle.Execute("exec", "-e=A=1", "-e", "B=2", id, "sh", "-c", "echo $A $B").Out);
        Assert.Equal(0, bundle.Execute("delete", id, "--force").Code);
    }

    [Fact]
    public void A_directory_of_states_that_was_named_and_is_not_there_has_no_list()
    {
        using var bundle = new OciBundle();
        Outcome outcome = bundle.Execute("list");
        Assert.True(outcome.Code == 1 && outcome.Error.Contains($"open {bundle.State}: no such file or directory", StringComparison.Ordinal), outcome.ToString());
    }

    [Theory]
    [InlineData(OciBundle.Control, "")]
    [InlineData(OciBundle.Ours, "")]
    [InlineData(OciBundle.Ours, "65")]
    [InlineData(OciBundle.Ours, "-9")]
    public void A_number_that_is_no_signal_is_the_kernels_to_refuse_and_no_name_is_the_usual_one(string runtime, string signal)
    {
        using var bundle = new OciBundle(runtime);
        string id = bundle.Shell("trap 'exit 0' TERM; while :; do sleep 0.1; done").Start();
        Outcome outcome = bundle.Execute("kill", id, signal);
        Assert.True(signal.Length == 0 ? outcome.Code == 0 : outcome.Code == 1 && outcome.Error.Contains("unable to signal init: invalid argument", StringComparison.Ordinal), outcome.ToString());
        bundle.Execute("kill", id, "KILL");
        Assert.True(bundle.Await(id, "stopped"));
        Assert.Contains("container not running", bundle.Execute("kill", id, signal).Error, StringComparison.Ordinal);
    }
}
