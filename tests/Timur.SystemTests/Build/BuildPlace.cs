using System.Text.Json;

namespace Timur.SystemTests.Build;

/// <summary>A store with the image <c>base</c>, and a context with files of every kind; shared by the tests of a class.</summary>
public sealed class BuildPlace : IDisposable
{
    public BuildPlace()
    {
        MakeContext(Context);
        Directory.CreateDirectory(BaseTree);
        const string script = "mkdir -p /usr/share/base /real; echo b >/usr/share/base/f; echo c >/etc/base.conf; ln -s /real /linked; chown 3:4 /etc/base.conf";
        Succeed(Timur.Run("build", "-q", "-o", BaseTree, "-f", Write("base", $"FROM busybox\nRUN {script}\n"), Context));
        Succeed(TimurCommand.Execute("tar", ["-C", BaseTree, "--numeric-owner", "-cf", BaseArchive, "."]));
        Succeed(Timur.Run("import", "-c", "CMD [\"sh\"]", BaseArchive, "base"));
    }

    internal TimurCommand Timur { get; } = new(ownBinary: true);

    internal string Context => Timur.Root + "/context";

    internal string BaseArchive => Timur.Root + "/base.tar";

    private string BaseTree => Timur.Root + "/base";

    public void Dispose() => Timur.Dispose();

    /// <summary>Writes a Dockerfile; its path.</summary>
    internal string Write(string name, string text)
    {
        string path = $"{Timur.Root}/{name}.Dockerfile";
        File.WriteAllText(path, text);
        return path;
    }

    /// <summary>Builds a Dockerfile's text with options behind; the outcome.</summary>
    internal Outcome Build(string text, params string[] options) => Timur.Run(["build", "--progress", "plain", "--network", "none", "-t", "out", "-f", Write("test", text), .. options, Context]);

    /// <summary>What a shell prints in the image that was built last.</summary>
    internal string Inside(string script)
    {
        Outcome outcome = Timur.Run("run", "--rm", "--network", "none", "--entrypoint", "", "out", "sh", "-c", script);
        return outcome.Code == 0 ? outcome.Out : throw new InvalidOperationException(outcome.ToString());
    }

    /// <summary>The configuration of an image, as it is stored.</summary>
    internal JsonElement Config(string id) => JsonDocument.Parse(File.ReadAllText($"{Timur.Root}/data/images/configs/{id.Trim()["sha256:".Length..]}.json")).RootElement;

    internal static Outcome Succeed(Outcome outcome) => outcome.Code == 0 ? outcome : throw new InvalidOperationException(outcome.ToString());

    internal static void MakeContext(string root)
    {
        foreach (string directory in (string[])["dir/sub", "nested/deep", "modes/d", "links", "xattr"])
        {
            Directory.CreateDirectory($"{root}/{directory}");
        }

        foreach ((string name, string text) in (ReadOnlySpan<(string, string)>)
            [
                ("a.txt", "file a\n"), ("b.bin", "\0\u0001\u0002"), ("with space.txt", "space\n"), ("dir/one", "one\n"), ("dir/two", "two\n"), ("dir/sub/three", "three\n"),
                ("nested/deep/deep.md", "deep\n"), ("nested/x.txt", "x\n"), ("modes/f", "f"), ("modes/ro", "r"), ("modes/d/x", "x"), ("links/h1", "h"), ("xattr/f", "x"),
            ])
        {
            File.WriteAllText($"{root}/{name}", text);
        }

        const string rest = """
            chmod 751 modes/f; chmod 400 modes/ro; chmod 1777 modes/d; chown 12:13 modes/d/x
            ln -s ../a.txt links/to-file; ln -s ../dir links/to-dir; ln -s /etc/passwd links/absolute; ln -s nowhere links/dangling; ln links/h1 links/h2
            setfattr -n user.colour -v red xattr/f
            tar --owner=21 --group=22 --numeric-owner -cf files.tar dir links/to-file; gzip -k files.tar; gzip -c a.txt >plain.gz
            """;
        Succeed(TimurCommand.Execute("sh", ["-euc", $"cd {root}\n{rest}"]));
    }
}
