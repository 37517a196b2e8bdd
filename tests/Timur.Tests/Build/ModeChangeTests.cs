using System.Diagnostics;
using Timur.Build;
using Xunit;

namespace Timur.Tests.Build;

/// <summary><c>--chmod</c> comes to what chmod(1) comes to.</summary>
public sealed class ModeChangeTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("timur-mode-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Symbolic_and_octal_modes_come_to_what_chmod_makes_of_files_and_directories()
    {
        string[] changes =
        [
            "u+x", "g=rw", "u+x,g=rw", "a+X", "+X", "go-rwx", "u=rwX,go=rX", "a=", "o=u", "g=u,o=g", "u+s", "g+s", "a+t", "u=rws", "ug+rw-x", "u-s,g-s", "o+t", "=r", "-w", "+x", "755", "0600", "4711", "1777", "u=g-w+x",
            "ugo=rwx", "a-x+X", "g-s",
        ];
        foreach (int mode in (int[])[0, 0x1A4, 0x1ED, 0xDC9, 0x3FF, 0x5F8, 0x49])
        {
            foreach (bool isDirectory in (bool[])[false, true])
            {
                string script = string.Join('\n', changes.Select((change, i) => $"{(isDirectory ? "mkdir" : "touch")} {i}; chmod {Convert.ToString(mode, 8)} {i}; chmod -- {change} {i}; stat -c %a {i}; rm -rf {i}"));
                string[] lines = Shell($"umask 0; cd {_root}\n{script}").Split('\n', StringSplitOptions.RemoveEmptyEntries);
                Assert.Equal(changes.Length, lines.Length);
                foreach ((string change, string line) in changes.Zip(lines))
                {
                    // An octal mode is the whole mode here; chmod(1) leaves a directory's set-id bits alone.
                    string expected = isDirectory && char.IsAsciiDigit(change[0]) ? Convert.ToString(Convert.ToInt32(change, 8), 8) : line;
                    Assert.Equal($"{change} of {mode:x}: {expected}", $"{change} of {mode:x}: {Convert.ToString(ModeChange.TryParse(change)!.Apply((uint)mode, isDirectory), 8)}");
                }
            }
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("u")]
    [InlineData("u+y")]
    [InlineData("u+x,")]
    [InlineData("888")]
    [InlineData("u=gr")]
    [InlineData("x+u")]
    public void What_chmod_refuses_is_no_mode(string text)
    {
        Assert.Null(ModeChange.TryParse(text));
        Assert.NotEqual("", Shell($"cd {_root}; touch f; chmod -- '{text}' f 2>&1; true"));
    }

    private static string Shell(string script)
    {
        using var process = Process.Start(new ProcessStartInfo("sh", ["-c", script]) { RedirectStandardOutput = true })!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return output;
    }
}
