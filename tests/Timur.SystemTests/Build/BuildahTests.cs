using System.Text.Json;
using System.Text.RegularExpressions;
using Xunit;

namespace Timur.SystemTests.Build;

/// <summary>
/// The Dockerfiles beside this file, built by Timur and by buildah on the same base: the same tree (kind, mode, owner, content, links, attributes), the same
/// configuration, the same steps in the history. A Dockerfile's comments say what else belongs to its case: <c># args: …</c>, <c># ignore: …|…</c>.
/// </summary>
public sealed partial class BuildahTests(BuildahTests.Peer peer) : IClassFixture<BuildahTests.Peer>
{
    public static TheoryData<string> Cases { get; } = [.. Directory.GetFiles(AppContext.BaseDirectory + "/Build/Dockerfiles").Select(path => Path.GetFileNameWithoutExtension(path)!).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Tree_and_configuration_are_those_of_buildah(string name)
    {
        string text = File.ReadAllText($"{AppContext.BaseDirectory}/Build/Dockerfiles/{name}.Dockerfile");
        string ignore = peer.Place.Context + "/.dockerignore";
        File.Delete(ignore);
        if (Comment("ignore", text) is { } rules)
        {
            File.WriteAllText(ignore, rules.Replace('|', '\n'));
        }

        string[] options = Comment("args", text)?.Replace("CONTEXT", peer.Place.Context, StringComparison.Ordinal).Split(' ') ?? [];
        string file = peer.Place.Write(name, text);
        (List<string> tree, JsonElement config) own = Own(file, options);
        (List<string> tree, JsonElement config) theirs = peer.Build(file, options);
        Assert.Equal(theirs.tree, own.tree);
        Assert.Equal(Settings(theirs.config), Settings(own.config));
        (int theirBase, int ownBase) = text.Contains("FROM scratch", StringComparison.Ordinal) ? (0, 0) : peer.BaseSteps;
        Assert.Equal([.. Steps(theirs.config).Skip(theirBase).Select(TheirStep)], [.. Steps(own.config).Skip(ownBase).Select((step, i) => OwnStep(step, Steps(theirs.config)[theirBase + i]))]);
    }

    /// <summary>
    /// With --layers and --output type=local buildah 1.28 writes the layers over each other and leaves what they remove; its image is right, and ours has the same files.
    /// </summary>
    [Theory]
    [InlineData("run-remove")]
    [InlineData("run-rename-dir")]
    [InlineData("run-exit-files")]
    public void What_a_step_removed_is_in_neither_image_where_buildah_keeps_a_layer_for_each_step(string name)
    {
        string file = peer.Place.Write(name, File.ReadAllText($"{AppContext.BaseDirectory}/Build/Dockerfiles/{name}.Dockerfile"));
        Assert.Equal(peer.TreeOfLayers(file), Own(file, []).Tree);
    }

    /// <summary>Where buildah keeps a layer for each step, too; a directory that WORKDIR makes is a layer here and none there.</summary>
    [Fact]
    public void The_history_says_of_the_same_steps_that_they_have_no_layer()
    {
        string file = peer.Place.Write("history", "FROM base\nENV A=1\nRUN echo x >/x\nARG B=2\nCOPY a.txt /a\nLABEL c=d\nADD files.tar /t/\nUSER 5\nWORKDIR /tmp\nEXPOSE 80\nVOLUME /v\nENTRYPOINT [\"e\"]\nCMD [\"c\"]\n");
        (_, JsonElement own) = Own(file, []);
        JsonElement theirs = peer.Build(file, ["--layers"]).Config;
        Assert.Equal([.. Steps(theirs).TakeLast(12).Select(IsEmpty)], [.. Steps(own).TakeLast(12).Select(IsEmpty)]);
    }

    [Fact]
    public void There_are_more_than_sixty_of_them() => Assert.True(Cases.Count > 60, $"{Cases.Count}");

    private (List<string> Tree, JsonElement Config) Own(string file, string[] options)
    {
        TimurCommand timur = peer.Place.Timur;
        Outcome built = BuildPlace.Succeed(timur.Run(["build", "-q", "--network", "host", "-t", "own", "-f", file, .. options, peer.Place.Context]));
        string tree = timur.Root + "/tree";
        try
        {
            BuildPlace.Succeed(timur.Run(["build", "-q", "--network", "host", "-o", tree, "-f", file, .. options, peer.Place.Context]));
            return (Below(tree), peer.Place.Config(built.Out));
        }
        finally
        {
            TimurCommand.Execute("rm", ["-rf", tree]);
        }
    }

    /// <summary>Without the directory itself, which each makes as it likes.</summary>
    private static List<string> Below(string tree) => [.. TreeListing.Of(tree).Skip(1)];

    private static string? Comment(string key, string text) => Regex.Match(text, $"^# {key}: (.*?)\r?$", RegexOptions.Multiline) is { Success: true } match ? match.Groups[1].Value : null;

    private static List<JsonElement> Steps(JsonElement config) => config.TryGetProperty("history", out JsonElement history) ? [.. history.EnumerateArray()] : [];

    private static bool IsEmpty(JsonElement step) => step.TryGetProperty("empty_layer", out JsonElement empty) && empty.GetBoolean();

    private static string By(JsonElement step) => step.GetProperty("created_by").GetString()!.Trim();

    /// <summary>A step of buildah's history in the form of BuildKit's, which is ours: <c>#(nop)</c> stands before what isn't RUN.</summary>
    private static string TheirStep(JsonElement step)
    {
        const string nothing = "/bin/sh -c #(nop) ";
        string by = By(step);
        return Common(by.StartsWith(nothing, StringComparison.Ordinal) ? by[nothing.Length..].Trim() : "RUN " + by, by);
    }

    private static string OwnStep(JsonElement step, JsonElement theirs) => Common(By(step), By(theirs));

    /// <summary>
    /// What both define of a step: its instruction and, where that isn't said differently on purpose, its words. buildah records what is written, we what came of it; it
    /// names files by a digest, JSON forms and other shells as if they were /bin/sh's, and mounts among the words.
    /// </summary>
    private static string Common(string step, string theirs)
    {
        string keyword = step.Split(' ')[0].ToUpperInvariant();
        bool sameWords = keyword switch
        {
            "RUN" => !theirs.Contains("--mount", StringComparison.Ordinal) && !theirs.Contains("-c [", StringComparison.Ordinal) && !theirs.Contains("$-", StringComparison.Ordinal) && !theirs.Contains("A=env", StringComparison.Ordinal),
            "LABEL" or "EXPOSE" or "VOLUME" or "STOPSIGNAL" or "MAINTAINER" or "ONBUILD" or "HEALTHCHECK" or "SHELL" => true,
            "USER" => !theirs.Contains('$', StringComparison.Ordinal),
            _ => false,
        };
        return sameWords ? step : keyword;
    }

    /// <summary>What both define, in one spelling: nothing and empty are the same, buildah notes its own version.</summary>
    private static string Settings(JsonElement image)
    {
        JsonElement config = image.GetProperty("config");
        var lines = new List<string>();
        foreach (string name in (string[])["Env", "Entrypoint", "Cmd", "User", "WorkingDir", "Volumes", "ExposedPorts", "StopSignal", "Labels", "Healthcheck", "OnBuild", "Shell"])
        {
            if (!config.TryGetProperty(name, out JsonElement value))
            {
                continue;
            }

            IEnumerable<string> items = value.ValueKind switch
            {
                JsonValueKind.Object => value.EnumerateObject().Select(one => $"{one.Name}: {JsonSerializer.Serialize(one.Value)}").Where(one => !one.StartsWith("io.buildah", StringComparison.Ordinal)).Order(StringComparer.Ordinal),
                JsonValueKind.Array when name == "Env" => value.EnumerateArray().Select(one => one.GetString()!).Order(StringComparer.Ordinal),
                JsonValueKind.Array => value.EnumerateArray().Select(one => one.GetString()!),
                JsonValueKind.String when value.GetString() is { Length: > 0 } text && (name, text) != ("WorkingDir", "/") => [text],
                _ => [],
            };
            lines.AddRange(items.Select(item => $"{name}: {item}"));
        }

        return string.Join('\n', lines);
    }

    /// <summary>buildah with a store of its own, in which the base is the same archive.</summary>
    public sealed class Peer : IDisposable
    {
        private readonly string _storage;

        public Peer()
        {
            _storage = Place.Timur.Root + "/buildah";
            string directory = Place.Timur.Root + "/buildah-base";
            Directory.CreateDirectory(_storage);
            Directory.CreateDirectory(directory);
            File.Copy(Place.BaseArchive, directory + "/base.tar");
            File.WriteAllText(directory + "/Dockerfile", "FROM scratch\nADD base.tar /\nENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\nCMD [\"sh\"]\n");
            BuildPlace.Succeed(Buildah("bud", "--isolation", "chroot", "--format", "docker", "-q", "-t", "localhost/base", directory));
            BaseSteps = (Steps(Inspect("localhost/base")).Count, Steps(Place.Config(Place.Timur.Run("inspect", "--format", "{{.Id}}", "base").Out)).Count);
        }

        internal BuildPlace Place { get; } = new();

        internal (int Theirs, int Own) BaseSteps { get; }

        internal (List<string> Tree, JsonElement Config) Build(string file, string[] options)
        {
            string tree = Place.Timur.Root + "/their-tree";
            try
            {
                BuildPlace.Succeed(Buildah(
                    ["bud", "--isolation", "chroot", "--format", "docker", "-q", "-o", $"type=local,dest={tree}", "-t", "localhost/theirs", "-f", file, .. options, Place.Context]));
                return (Below(tree), Inspect("localhost/theirs"));
            }
            finally
            {
                TimurCommand.Execute("rm", ["-rf", tree]);
            }
        }

        /// <summary>The files of an image with a layer for each step, mounted.</summary>
        internal List<string> TreeOfLayers(string file)
        {
            BuildPlace.Succeed(Buildah("bud", "--isolation", "chroot", "--format", "docker", "-q", "--layers", "-t", "localhost/layers", "-f", file, Place.Context));
            string container = BuildPlace.Succeed(Buildah("from", "--pull-never", "localhost/layers")).Out.Trim();
            try
            {
                return Below(BuildPlace.Succeed(Buildah("mount", container)).Out.Trim());
            }
            finally
            {
                BuildPlace.Succeed(Buildah("rm", container));
            }
        }

        public void Dispose()
        {
            TimurCommand.Execute("rm", ["-rf", _storage]);
            Place.Dispose();
        }

        private JsonElement Inspect(string image) => JsonDocument.Parse(BuildPlace.Succeed(Buildah("inspect", "--type", "image", image)).Out).RootElement.GetProperty("Docker");

        /// <summary>Its cache mounts would stay in the machine's temporary directory.</summary>
        private Outcome Buildah(params string[] words) => TimurCommand.Execute("env", [$"TMPDIR={_storage}", "buildah", "--root", _storage + "/root", "--runroot", _storage + "/run", "--storage-driver", "vfs", .. words]);
    }
}
