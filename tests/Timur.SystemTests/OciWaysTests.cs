using System.Text.Json.Nodes;
using Xunit;

namespace Timur.SystemTests;

/// <summary>
/// Ways of runc's that its own tests and its callers count on, of processes and their surroundings. runc is the control; the one of Debian 12 is older than
/// some of them.
/// </summary>
public class OciWaysTests
{
    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void A_member_that_is_there_twice_in_whatever_case_is_read_over_itself(string runtime)
    {
        using var bundle = new OciBundle(runtime);
        bundle.Process["rlimits"] = null;
        bundle.Mount("/one", "tmpfs", "tmpfs", "size=64k");
        bundle.Shell("pwd; echo $ONE; grep -c ' /one tmpfs ' /proc/self/mounts; hostname").Save();
        const string again = """{"PROCESS":{"cwd":"/tmp","env":["PATH=/bin","ONE=two"]},"hostname":null,"Linux":{"Resources":{"PIDS":{"limit":50}}},"linux":{},"Hostname":"other"}""";
        string json = File.ReadAllText(bundle.Directory + "/config.json");
        File.WriteAllText(bundle.Directory + "/config.json", $"{json[..^1]},{again[1..]}");
        Outcome outcome = bundle.Execute("run", "--bundle", bundle.Directory, bundle.NewId());
        Assert.True(outcome.Out == "/tmp\ntwo\n1\nother\n", outcome.ToString());
    }

    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void Of_variables_with_one_name_the_last_counts_and_an_empty_HOME_is_none(string runtime)
    {
        using var bundle = new OciBundle(runtime);
        bundle.Process["env"] = new JsonArray("A=1", "PATH=/bin", "HOME=/given", "A=2", "HOME=");
        Assert.Equal(["A=2", "HOME=/root", "PATH=/bin"], bundle.Command("env").Run().Out.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order());
    }

    [Theory]
    [InlineData("NAME", "missing '='")]
    [InlineData("=value", "name cannot be empty")]
    [InlineData("A=\0", "NUL")]
    public void A_variable_that_is_none_is_refused(string variable, string complaint)
    {
        using var bundle = new OciBundle();
        bundle.Process["env"] = new JsonArray("PATH=/bin", variable);
        Outcome outcome = bundle.Shell("env").Run();
        Assert.Equal(1, outcome.Code);
        Assert.Contains(complaint, outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_terminal_takes_its_input_from_a_file_and_gives_its_output_without_carriage_returns()
    {
        using var bundle = new OciBundle();
        bundle.Process["terminal"] = true;
        File.WriteAllText(bundle.Directory + "/typed", "typed words\n");
        bundle.Shell("read line; echo \"got $line\"; tty").Save();
        Outcome outcome = Foreground($"run --bundle {bundle.Directory} {bundle.NewId()} <{bundle.Directory}/typed");
        Assert.True(outcome.Code == 0 && outcome.Out.EndsWith("got typed words\n/dev/pts/0\n", StringComparison.Ordinal) && !outcome.Out.Contains("\r\n", StringComparison.Ordinal), outcome.ToString());

        bundle.Process["terminal"] = false;
        string id = bundle.Shell("exec sleep 100").Start();
        outcome = Foreground($"exec --tty {id} sh -c 'read line; echo \"got $line\"' <{bundle.Directory}/typed");
        Assert.True(outcome.Code == 0 && outcome.Out.EndsWith("got typed words\n", StringComparison.Ordinal), outcome.ToString());
        Assert.Equal("/dev/pts/0\n", Foreground($"exec --tty {id} tty </dev/null").Out);

        Outcome Foreground(string words) => TimurCommand.Execute("sh", ["-c", $"{bundle.Words} {words}"]);
    }

    [Fact]
    public void A_terminal_belongs_to_the_user_and_to_the_group_of_its_file_system()
    {
        using var bundle = new OciBundle();
        bundle.Process["terminal"] = true;
        bundle.Process["user"] = new JsonObject { ["uid"] = 1000, ["gid"] = 1000 };
        Assert.Equal("1000:5\n", bundle.Shell("stat -c %u:%g $(tty)").Run().Out);
    }

    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void A_user_other_than_root_can_open_its_streams_once_more(string runtime)
    {
        using var bundle = new OciBundle(runtime);
        bundle.Process["user"] = new JsonObject { ["uid"] = 1000, ["gid"] = 1000 };
        Outcome outcome = bundle.Shell("echo out >/dev/stdout; echo err >/dev/stderr").Run();
        Assert.Equal((0, "out\n", "err\n"), (outcome.Code, outcome.Out, outcome.Error));
        bundle.Process["user"] = new JsonObject { ["uid"] = 0, ["gid"] = 0 };
        string id = bundle.Shell("sleep 100").Start();
        outcome = bundle.Execute("exec", "--user", "1000:1000", id, "sh", "-c", "echo err >/dev/stderr");
        Assert.Equal((0, "err\n"), (outcome.Code, outcome.Error));
    }

    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void A_directory_to_start_in_is_made_in_a_read_only_root_too(string runtime)
    {
        using var bundle = new OciBundle(runtime);
        bundle.Config["root"]!["readonly"] = true;
        bundle.Process["cwd"] = "/not/there/yet";
        Outcome outcome = bundle.Shell("pwd; touch x").Run();
        Assert.Equal((1, "/not/there/yet\n"), (outcome.Code, outcome.Out));
        Assert.Contains("Read-only file system", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void The_processors_of_whoever_starts_a_process_are_not_its_own()
    {
        using var bundle = new OciBundle();
        string[] words = ["grep", "Cpus_allowed_list", "/proc/self/status"];
        string all = bundle.Command(words).Run().Out;
        Assert.Equal(all, TimurCommand.Execute("taskset", ["-c", First(), "sh", "-c", $"{bundle.Words} run --bundle {bundle.Directory} {bundle.NewId()}"]).Out);
        string id = bundle.Shell("sleep 100").Start();
        Assert.Equal(all, TimurCommand.Execute("taskset", ["-c", First(), "sh", "-c", $"{bundle.Words} exec {id} {string.Join(' ', words)}"]).Out);

        string First() => all.Split('\t')[1].Split('-', ',')[0].Trim();
    }

    [Fact]
    public void A_further_capability_is_ambient_only_where_some_are_inheritable()
    {
        using var bundle = new OciBundle();
        bundle.Process["capabilities"] = JsonNode.Parse("""
            {"bounding":["CAP_KILL","CAP_CHOWN","CAP_SYSLOG"],"effective":["CAP_KILL"],"permitted":["CAP_KILL","CAP_CHOWN"],"inheritable":["CAP_CHOWN","CAP_SYSLOG"],"ambient":["CAP_CHOWN"]}
            """);
        string id = bundle.Shell("sleep 100").Start();
        Assert.Equal("0000000400000001 0000000400000021 0000000400000021 0000000400000021 0000000400000001\n", Sets("--cap", "CAP_SYSLOG").Out);
        Outcome without = Sets();
        Assert.EndsWith(" 0000000000000001\n", without.Out, StringComparison.Ordinal);
        Assert.Equal("", without.Error);

        Outcome Sets(params string[] options) => bundle.Execute(["exec", .. options, id, "sh", "-c", "echo $(grep ^Cap /proc/self/status | cut -f2)"]);
    }

    [Theory]
    [InlineData("""["CAP_KILL"]""", "0000000000000020\n", "can't raise ambient capability CAP_CHOWN: operation not permitted")]
    [InlineData("[]", "0000000000000000\n", null)]
    public void An_ambient_capability_that_cannot_be_is_told_unless_none_is_inheritable(string inheritable, string ambient, string? warning)
    {
        using var bundle = new OciBundle();
        bundle.Capabilities("CAP_KILL", "CAP_CHOWN");
        bundle.Process["capabilities"]!["inheritable"] = JsonNode.Parse(inheritable);
        bundle.Process["capabilities"]!["ambient"] = new JsonArray("CAP_KILL", "CAP_CHOWN");
        Outcome outcome = bundle.Shell("grep CapAmb /proc/self/status | cut -f2").Run();
        Assert.Equal((0, ambient), (outcome.Code, outcome.Out));
        Assert.True(warning is null ? outcome.Error.Length == 0 : outcome.Error.Contains(warning, StringComparison.Ordinal), outcome.ToString());
    }

    [Fact]
    public void A_further_process_has_the_containers_groups_and_its_personality()
    {
        using var bundle = new OciBundle();
        bundle.Process["user"] = new JsonObject { ["uid"] = 0, ["gid"] = 0, ["additionalGids"] = new JsonArray(5) };
        bundle.Linux["personality"] = new JsonObject { ["domain"] = "LINUX32" };
        string id = bundle.Shell("sleep 100").Start();
        Assert.Equal("i686\n0 5 7\n", bundle.Execute("exec", "--additional-gids", "7", id, "sh", "-c", "uname -m; id -G").Out);
    }

    [Fact]
    public void A_script_whose_interpreter_is_missing_is_told_from_one_that_is_missing()
    {
        using var bundle = new OciBundle();
        const string words = "exec /script: no such file or directory";
        File.WriteAllText(bundle.Root + "/script", "#!/nowhere\n");
        File.SetUnixFileMode(bundle.Root + "/script", UnixFileMode.UserRead | UnixFileMode.UserExecute);
        Outcome outcome = bundle.Command("/script").Run();
        Assert.Equal((255, words + "\n"), (outcome.Code, outcome.Error));

        string id = bundle.Start();
        Assert.True(bundle.Await(id, "stopped"));
        Assert.Equal(words + "\n", File.ReadAllText(bundle.Directory + "/errors"));
        bundle.Execute("delete", id);

        id = bundle.Shell("sleep 100").Start();
        outcome = bundle.Execute("exec", id, "/script");
        Assert.Equal(255, outcome.Code);
        Assert.Contains(words, outcome.Error, StringComparison.Ordinal);
        File.WriteAllText(bundle.Root + "/bin/found", "#!/nowhere\n");
        File.SetUnixFileMode(bundle.Root + "/bin/found", UnixFileMode.UserRead | UnixFileMode.UserExecute);
        Assert.Contains("exec /bin/found: no such file or directory", bundle.Execute("exec", "--env", "PATH=/etc:/bin", id, "found").Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void A_created_container_ends_by_an_ordinary_signal(string runtime)
    {
        using var bundle = new OciBundle(runtime);
        string id = bundle.Shell("sleep 100").Create();
        Assert.Equal(0, bundle.Execute("kill", id, "TERM").Code);
        Assert.True(bundle.Await(id, "stopped"));
        Assert.NotEqual(0, bundle.Execute("start", id).Code);
    }

    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void Sockets_of_a_supervisor_are_passed_on(string runtime)
    {
        using var bundle = new OciBundle(runtime);
        bundle.Shell("echo $LISTEN_FDS $LISTEN_PID; cat <&3; cat <&4").Save();
        File.WriteAllText(bundle.Directory + "/three", "three\n");
        File.WriteAllText(bundle.Directory + "/four", "four\n");
        string command = $"export LISTEN_FDS=1 LISTEN_PID=$$; exec {bundle.Words} run --preserve-fds 1 --bundle {bundle.Directory} {bundle.NewId()} 3<{bundle.Directory}/three 4<{bundle.Directory}/four";
        Assert.Equal("1 1\nthree\nfour\n", TimurCommand.Execute("sh", ["-c", command]).Out);
    }

    [Fact]
    public void Descriptors_that_are_not_there_are_not_missed()
    {
        using var bundle = new OciBundle();
        Assert.Equal("ran\n", bundle.Shell("echo ran").Run("--preserve-fds", "100").Out);
    }

    [Fact]
    public void A_deadline_and_fewer_processors_exclude_each_other_in_runcs_words()
    {
        using var bundle = new OciBundle();
        bundle.Linux["resources"]!["cpu"] = new JsonObject { ["cpus"] = "0", ["mems"] = "0" };
        bundle.Process["scheduler"] = JsonNode.Parse("""{"policy":"SCHED_DEADLINE","runtime":42000,"deadline":1000000,"period":1000000}""");
        Outcome outcome = bundle.Shell("echo ran").Run();

        // Where there is only one processor nothing is excluded.
        Assert.True(Environment.ProcessorCount == 1 || (outcome.Code == 1 && outcome.Error.Contains("process scheduler can't be used together with AllowedCPUs", StringComparison.Ordinal)), outcome.ToString());
    }
}
