using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Xunit;

namespace Timur.SystemTests;

/// <summary>Tests that share one virtual machine with the newest kernel that Debian has for it.</summary>
[CollectionDefinition(nameof(VirtualMachine))]
public sealed class VirtualMachineCollection : ICollectionFixture<VirtualMachine>;

/// <summary>Tests that share one virtual machine with the kernel that this Debian installs.</summary>
[CollectionDefinition(nameof(StockMachine))]
public sealed class StockMachineCollection : ICollectionFixture<StockMachine>;

/// <summary>The kernel that users of this Debian have unless they asked for another: 6.1 on Debian 12.</summary>
public sealed class StockMachine() : VirtualMachine("linux-image-cloud-amd64");

/// <summary>
/// A Debian kernel with cgroup v2 alone, in QEMU (tests/vm). The binary under test is <c>timur</c> there. It lives as long as its standard input is open:
/// when the tests end, however they end, it ends.
/// </summary>
public class VirtualMachine : IDisposable
{
    private const int LongestWait = 180_000;

    private readonly Process _boot;
    private readonly string _directory;
    private readonly Socket _socket;
    private readonly StreamReader _answers;
    private int _requests;

    public VirtualMachine()
        : this("")
    {
    }

    /// <param name="kernel">The Debian package whose kernel it boots; empty for the newest, or what TIMUR_VM_KERNEL says.</param>
    protected VirtualMachine(string kernel)
    {
        string script = Path.Combine(SourceDirectory(), "tests/vm/boot");
        var start = new ProcessStartInfo(script, [TimurCommand.Path]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        if (kernel.Length > 0)
        {
            start.Environment["TIMUR_VM_KERNEL"] = kernel;
        }

        _boot = Process.Start(start)!;
        _directory = _boot.StandardOutput.ReadLine() ?? throw new InvalidOperationException($"no virtual machine: {_boot.StandardError.ReadToEnd()}");
        _socket = Connect(_directory + "/agent");
        _answers = new StreamReader(new NetworkStream(_socket), Encoding.ASCII);
        string greeting = ReadLine("the boot");
        if (greeting != "ready")
        {
            throw Lost($"the virtual machine greets with '{greeting}'");
        }
    }

    /// <summary>The socket behind the machine's port <c>engine</c>, for one connection at a time.</summary>
    internal string EnginePort => _directory + "/engine";

    /// <summary>Runs a shell script in the machine; two and a half minutes at most.</summary>
    internal Outcome Shell(string script)
    {
        string number = (++_requests).ToString(CultureInfo.InvariantCulture);
        _socket.Send(Encoding.ASCII.GetBytes($"{number} {Convert.ToBase64String(Encoding.UTF8.GetBytes(script))}\n"));
        string[] answer = ReadLine(script).Split(' ');
        return answer is [var echo, var code, ['=', .. var output], ['=', .. var error]] && echo == number
            ? new Outcome(int.Parse(code, CultureInfo.InvariantCulture), Decode(output), Decode(error))
            : throw Lost($"the virtual machine answers '{string.Join(' ', answer)}' to: {script}");
    }

    /// <summary><c>timur run --rm --network none OPTIONS busybox sh -c SCRIPT</c> in the machine.</summary>
    internal Outcome Run(string options, string script) => Shell($"timur run --rm --network none {options} busybox sh -c {Quote(script)}");

    /// <summary>A container in the background; its cgroup's directory in the machine.</summary>
    internal string Start(string name, string options, string script)
    {
        Outcome outcome = Shell($"timur run -d --name {name} --network none {options} busybox sh -c {Quote(script)} >/dev/null && timur inspect --format '{{{{.HostConfig.CgroupPath}}}}' {name}");
        return outcome.Code == 0 ? "/sys/fs/cgroup" + outcome.Out.Trim() : throw new InvalidOperationException(outcome.ToString());
    }

    public void Dispose()
    {
        GC.SuppressFinalize(this);
        _answers.Dispose();
        _socket.Dispose();
        _boot.StandardInput.Close();
        _boot.WaitForExit();
        _boot.Dispose();
    }

    private static string Quote(string text) => $"'{text.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    private static string Decode(string text) => Encoding.UTF8.GetString(Convert.FromBase64String(text));

    internal static string SourceDirectory()
    {
        string? directory = AppContext.BaseDirectory;
        while (directory is not null && !File.Exists(Path.Combine(directory, "timur.slnx")))
        {
            directory = Path.GetDirectoryName(directory);
        }

        return directory ?? throw new InvalidOperationException($"{AppContext.BaseDirectory} isn't in Timur's source tree");
    }

    /// <summary>QEMU listens a moment after it was started.</summary>
    private static Socket Connect(string path)
    {
        for (int attempt = 0; ; attempt++)
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { ReceiveTimeout = LongestWait };
            try
            {
                socket.Connect(new UnixDomainSocketEndPoint(path));
                return socket;
            }
            catch (SocketException) when (attempt < 100)
            {
                socket.Dispose();
                Thread.Sleep(100);
            }
        }
    }

    private string ReadLine(string awaited)
    {
        try
        {
            return _answers.ReadLine() ?? throw Lost($"the virtual machine went away during: {awaited}");
        }
        catch (IOException)
        {
            throw Lost($"the virtual machine doesn't answer to: {awaited}");
        }
    }

    private InvalidOperationException Lost(string what)
    {
        static string Tail(string file) => File.Exists(file) ? string.Join('\n', File.ReadLines(file).TakeLast(20)) : "";
        return new InvalidOperationException($"{what}\nits kernel's last words:\n{Tail(_directory + "/console")}\n{Tail(_directory + "/qemu")}");
    }
}
