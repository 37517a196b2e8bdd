using System.Text;
using System.Text.Json.Nodes;
using Timur.Kernel;
using Xunit;

namespace Timur.SystemTests;

/// <summary>Descriptors that callers and agents take over Unix sockets.</summary>
public class OciSocketTests
{
    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void The_terminal_arrives_at_the_console_socket(string runtime)
    {
        using var bundle = new OciBundle(runtime);
        bundle.Process["terminal"] = true;
        bundle.Process["consoleSize"] = new JsonObject { ["height"] = 31, ["width"] = 77 };
        string path = bundle.Directory + "/console";
        using Fd listener = Sockets.Listen(path, SocketKind.Stream);
        string id = bundle.Shell("tty; stat -c %t /dev/console; sleep 100").Create("--console-socket", path);
        using Fd master = Receive(listener, out _);
        Assert.Equal(new TerminalSize(31, 77), Terminal.Size(master));
        Assert.Equal(0, bundle.Execute("start", id).Code);
        Assert.Equal("/dev/pts/0\r\n88\r\n", ReadLines(master, 2));
    }

    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void A_terminal_for_a_process_that_nobody_stays_with_needs_a_socket(string runtime)
    {
        using var bundle = new OciBundle(runtime);
        bundle.Process["terminal"] = true;
        bundle.Save();
        Outcome outcome = bundle.TryCreate(bundle.NewId());
        Assert.NotEqual(0, outcome.Code);
        Assert.Contains("without setting console socket", outcome.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(OciBundle.Control)]
    [InlineData(OciBundle.Ours)]
    public void Exec_gives_a_terminal_too(string runtime)
    {
        using var bundle = new OciBundle(runtime);
        string id = bundle.Shell("sleep 100").Start();
        string path = bundle.Directory + "/console";
        using Fd listener = Sockets.Listen(path, SocketKind.Stream);
        Assert.Equal(0, TimurCommand.Execute("sh", ["-c", $"{bundle.Words} exec --tty --detach --console-socket {path} {id} sh -c 'tty; sleep 100' </dev/null >/dev/null 2>&1"]).Code);
        using Fd master = Receive(listener, out _);
        Assert.Equal("/dev/pts/0\r\n", ReadLines(master, 1));
    }

    [Fact]
    public void A_descriptor_of_the_process_arrives_at_its_socket()
    {
        using var bundle = new OciBundle();
        string path = bundle.Directory + "/pidfd";
        using Fd listener = Sockets.Listen(path, SocketKind.Stream);
        string id = bundle.Shell("exit 0").Create("--pidfd-socket", path);
        using Fd process = Receive(listener, out _);
        Assert.False(Processes.WaitForEnd(process, 0));
        bundle.Execute("start", id);
        Assert.True(Processes.WaitForEnd(process, 5000));
    }

    [Fact]
    public void The_agent_gets_the_listener_with_the_containers_state_and_answers_its_calls()
    {
        using var bundle = new OciBundle();
        string path = bundle.Directory + "/agent";
        using Fd listener = Sockets.Listen(path, SocketKind.Stream);
        bundle.Linux["seccomp"] = JsonNode.Parse(
            """{"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_X86_64"],"syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_NOTIFY"}]}""");
        bundle.Linux["seccomp"]!["listenerPath"] = path;
        bundle.Linux["seccomp"]!["listenerMetadata"] = "for the agent";
        string id = bundle.Shell("mkdir /tmp/x; echo $?; sleep 100").Create();
        using Fd filter = Receive(listener, out string message);
        JsonNode state = JsonNode.Parse(message)!;
        Assert.Equal(("for the agent", "seccompFd", id), (state["metadata"]!.GetValue<string>(), state["fds"]![0]!.GetValue<string>(), state["state"]!["id"]!.GetValue<string>()));
        Assert.Equal(bundle.StateOf(id)["pid"]!.GetValue<int>(), state["pid"]!.GetValue<int>());
        bundle.Execute("start", id);
        SeccompAgent.Refuse(filter, Errno.EXDEV);
        Assert.True(SpinWait.SpinUntil(() => bundle.Output == "1\n", 60_000));
        Assert.Contains("Invalid cross-device link", File.ReadAllText(bundle.Directory + "/errors"), StringComparison.Ordinal);
    }

    [Fact]
    public void Without_an_agent_such_a_container_is_not_created()
    {
        using var bundle = new OciBundle();
        bundle.Linux["seccomp"] = JsonNode.Parse("""{"defaultAction":"SCMP_ACT_ALLOW","listenerPath":"/nobody/there","syscalls":[{"names":["mkdir"],"action":"SCMP_ACT_NOTIFY"}]}""");
        bundle.Save();
        Outcome outcome = bundle.TryCreate(bundle.NewId());
        Assert.Equal(1, outcome.Code);
        Assert.Contains("failed to connect with seccomp agent /nobody/there: no such file or directory", outcome.Error, StringComparison.Ordinal);
        Assert.Equal("", bundle.Execute("list", "-q").Out);
    }

    private static Fd Receive(Fd listener, out string message)
    {
        using Fd connection = Sockets.TryAccept(listener, out _)!;
        var fds = new List<Fd>();
        byte[] buffer = new byte[16 * 1024];
        int count = Sockets.TryReceive(connection, buffer, fds, out Errno why);
        Assert.True(count > 0, why.Describe());
        message = Encoding.UTF8.GetString(buffer, 0, count);
        return Assert.Single(fds);
    }

    private static string ReadLines(Fd terminal, int count)
    {
        var text = new StringBuilder();
        byte[] buffer = new byte[1024];
        while (text.ToString().Count(c => c == '\n') < count && Files.TryRead(terminal, buffer, out _) is > 0 and { } read)
        {
            text.Append(Encoding.UTF8.GetString(buffer, 0, read));
        }

        return text.ToString();
    }
}
