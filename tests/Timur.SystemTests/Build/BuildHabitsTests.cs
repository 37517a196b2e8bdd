using System.Text.Json;
using Timur.SystemTests.Registries;
using Xunit;

namespace Timur.SystemTests.Build;

/// <summary>What scripts give to <c>docker build</c>, <c>docker buildx build</c> and <c>podman build</c>, and what they ask of the outcome.</summary>
public sealed class BuildHabitsTests(BuildPlace place) : IClassFixture<BuildPlace>
{
    /// <summary>As Docker's classic builder, Podman and buildah end.</summary>
    [Fact]
    public void A_build_ends_with_the_exit_code_of_the_command_that_failed()
    {
        Assert.Equal(7, place.Build("FROM base\nRUN exit 7\n").Code);
        Assert.Equal(127, place.Build("FROM base\nRUN [\"/nowhere\"]\n").Code);
        Assert.Equal(125, place.Build("FROM base\nCOPY nothing-of-this-name /\n").Code);
        Assert.Equal(125, place.Build("FROM base\nNONSENSE\n").Code);
    }

    [Fact]
    public void Push_brings_every_name_to_its_registry_and_the_facts_file_says_what_is_there()
    {
        using var registry = new RegistryServer(place.Timur.Root + "/registry-habits");
        string facts = place.Timur.Root + "/facts.json";
        BuildPlace.Succeed(place.Timur.Run(
            "build", "--push", "--metadata-file", facts, "-t", registry.Host + "/one:1", "-t", registry.Host + "/two:2", "-f", place.Write("push", "FROM base\nRUN echo pushed >/pushed\n"), "--network", "none", place.Context));
        JsonElement written = JsonDocument.Parse(File.ReadAllText(facts)).RootElement;
        foreach (string name in (string[])["one:1", "two:2"])
        {
            Outcome there = TimurCommand.Execute("skopeo", ["inspect", "--tls-verify=false", "--format", "{{.Digest}}", $"docker://{registry.Host}/{name}"]);
            Assert.Equal(written.GetProperty("containerimage.digest").GetString(), BuildPlace.Succeed(there).Out.Trim());
        }

        Assert.Equal(place.Timur.Inspect(registry.Host + "/one:1", "{{.Id}}"), written.GetProperty("containerimage.config.digest").GetString());
        Assert.Equal($"{registry.Host}/one:1,{registry.Host}/two:2", written.GetProperty("image.name").GetString());
        foreach (string[] nowhere in (string[][])[["--push"], ["-o", "type=registry"]])
        {
            Outcome unnamed = place.Timur.Run(["build", .. nowhere, "-f", place.Write("push", "FROM base\n"), place.Context]);
            Assert.True(unnamed.Code == 125 && unnamed.Error.Contains("without a name", StringComparison.Ordinal), unnamed.ToString());
        }
    }

    [Fact]
    public void Pull_takes_the_words_of_both_engines()
    {
        foreach (string option in (string[])["--pull=missing", "--pull=never", "--pull=false", "--pull-policy=never"])
        {
            BuildPlace.Succeed(place.Build("FROM base\n", option));
        }

        using var registry = new RegistryServer(place.Timur.Root + "/registry-pull");
        BuildPlace.Succeed(place.Timur.Run("push", "-q", "base", registry.Host + "/base:1"));
        string text = $"FROM {registry.Host}/base:1\n";
        Assert.Equal(125, place.Build(text, "--pull=never").Code);
        BuildPlace.Succeed(place.Build(text, "--pull=newer"));
        BuildPlace.Succeed(place.Build(text, "--pull"));
        Assert.Contains("use always, missing, newer or never", place.Build(text, "--pull=sometimes").Error);
    }

    [Fact]
    public void A_dockerfile_that_is_only_in_the_context_is_found_there()
    {
        string inContext = place.Context + "/Only.Dockerfile";
        File.WriteAllText(inContext, "FROM base\nRUN echo found >/found\n");
        try
        {
            BuildPlace.Succeed(place.Timur.Run("build", "-q", "--network", "none", "-t", "out", "-f", "Only.Dockerfile", place.Context));
            Assert.Equal("found\n", place.Inside("cat /found"));
        }
        finally
        {
            File.Delete(inContext);
        }
    }

    [Fact]
    public void The_first_image_the_ignored_files_and_the_time_are_given_from_outside()
    {
        string ignored = place.Timur.Root + "/ignored";
        File.WriteAllText(ignored, "a.txt\n");
        BuildPlace.Succeed(place.Build("FROM nowhere.invalid/nothing:1\nCOPY . /all/\n", "--from", "base", "--ignorefile", ignored, "--timestamp", "86400"));
        Assert.Equal("no\n", place.Inside("test -e /all/a.txt || echo no"));
        Assert.Equal("1970-01-02T00:00:00.0000000Z", place.Timur.Inspect("out", "{{.Created}}"));
        Assert.Equal(125, place.Build("FROM base\n", "--timestamp", "yesterday").Code);
    }

    [Fact]
    public void The_platform_is_given_in_parts_and_the_image_goes_to_a_list()
    {
        foreach (string[] platform in (string[][])[["--arch", "arm64", "--variant", "v8"], ["--platform", "linux/arm/v7"], ["--os", "linux"]])
        {
            BuildPlace.Succeed(place.Build("FROM scratch\nCOPY a.txt /\n", [.. platform, "--manifest", "habits"]));
        }

        string list = BuildPlace.Succeed(place.Timur.Run("manifest", "inspect", "habits")).Out;
        Assert.Equal(3, JsonDocument.Parse(list).RootElement.GetProperty("manifests").GetArrayLength());
        Assert.Contains("\"v7\"", list);
        Assert.Contains("\"arm64\"", list);
        Assert.Equal(125, place.Build("FROM scratch\n", "--platform", "linux/arm64", "--arch", "arm64").Code);
        BuildPlace.Succeed(place.Timur.Run("manifest", "rm", "habits"));
    }

    [Fact]
    public void One_layer_is_made_of_the_base_s_too_and_one_stage_is_made_anew()
    {
        BuildPlace.Succeed(place.Build("FROM base\nRUN echo 1 >/1\nRUN echo 2 >/2\n", "--squash-all"));
        Assert.Equal("1", place.Timur.Inspect("out", "{{len .RootFS.Layers}}"));
        Assert.Equal("1\n2\nc\n", place.Inside("cat /1 /2 /etc/base.conf"));
        BuildPlace.Succeed(place.Build("FROM base\nRUN echo 1 >/1\nRUN echo 2 >/2\n", "--layers=false"));
        Assert.Equal("2", place.Timur.Inspect("out", "{{len .RootFS.Layers}}"));

        const string stages = "FROM base AS one\nRUN cat /proc/sys/kernel/random/uuid >/u\nFROM base AS two\nRUN cat /proc/sys/kernel/random/uuid >/v\nCOPY --from=one /u /u\n";
        string Values(params string[] options)
        {
            BuildPlace.Succeed(place.Build(stages, options));
            return place.Inside("cat /u /v");
        }

        string first = Values();
        Assert.Equal(first, Values());
        string second = Values("--no-cache-filter", "one");
        Assert.NotEqual(first.Split('\n')[0], second.Split('\n')[0]);
        Assert.Equal(first.Split('\n')[1], second.Split('\n')[1]);
    }

    [Fact]
    public void A_directory_of_this_machine_is_there_while_commands_run_and_not_in_the_image()
    {
        string shared = place.Timur.Root + "/shared";
        Directory.CreateDirectory(shared);
        File.WriteAllText(shared + "/in", "from outside\n");
        BuildPlace.Succeed(place.Build("FROM base\nRUN cat /mnt/in >/copied; echo written >/mnt/out\n", "-v", $"{shared}:/mnt"));
        Assert.Equal("written\n", File.ReadAllText(shared + "/out"));
        Assert.Equal("from outside\n", place.Inside("cat /copied; ls /mnt"));
        Assert.Contains("the path of a directory", place.Build("FROM base\nRUN true\n", "-v", "named:/mnt").Error);
    }

    [Fact]
    public void What_changes_nothing_here_is_taken_and_what_would_change_something_is_said()
    {
        BuildPlace.Succeed(place.Build("FROM base\n", "--compress", "--jobs", "4", "--layers", "--isolation=oci", "--format=docker", "--builder", "default", "--retry=3", "--progress=quiet"));
        Assert.Contains("use default, oci", place.Build("FROM base\n", "--isolation=chroot").Error);
        Assert.Contains("use auto, plain, tty", place.Timur.Run("build", "-q", "--progress=loud", place.Context).Error);
        Outcome secret = place.Build("FROM base\n", "--secret", "id=key,src=/nowhere/key");
        Assert.True(secret.Code == 125 && secret.Error.Contains("/nowhere/key: No such file", StringComparison.Ordinal), secret.ToString());
    }

    /// <summary>As buildah does: no RUN sees what is given, every RUN what is taken away.</summary>
    [Fact]
    public void Variables_labels_and_annotations_are_given_and_taken_away_at_the_end()
    {
        const string text = "FROM base\nENV B=base C=keep\nLABEL own=1 gone=2\nRUN echo \"A=$A B=$B\" >/seen\n";
        string id = BuildPlace.Succeed(place.Build(text, "--env", "A=1", "--env", "HOME", "--unsetenv", "B", "--unsetlabel", "gone", "--annotation", "org.example.b=x=y", "--annotation", "org.example.a=")).Out;
        Assert.Equal("A= B=base\n", place.Inside("cat /seen"));
        Assert.Equal($"A=1 B= C=keep HOME={Environment.GetEnvironmentVariable("HOME")}\n", place.Inside("echo \"A=$A B=$B C=$C HOME=$HOME\""));
        Assert.Equal("map[own:1]", place.Timur.Inspect("out", "{{.Labels}}"));
        Assert.Equal("{\"org.example.a\":\"\",\"org.example.b\":\"x=y\"}", place.Timur.Inspect("out", "{{json .Annotations}}"));

        using var registry = new RegistryServer(place.Timur.Root + "/registry-annotations");
        BuildPlace.Succeed(place.Timur.Run("push", "-q", "out", registry.Host + "/out:1"));
        JsonElement manifest = JsonDocument.Parse(TimurCommand.Execute("skopeo", ["inspect", "--raw", "--tls-verify=false", $"docker://{registry.Host}/out:1"]).Out).RootElement;
        Assert.Equal("x=y", manifest.GetProperty("annotations").GetProperty("org.example.b").GetString());
        Assert.Equal("everything is as recorded\n", place.Timur.Run("system", "check").Out);
        BuildPlace.Succeed(place.Timur.Run("rmi", "-f", id.Trim()));
        BuildPlace.Succeed(place.Timur.Run("pull", "-q", registry.Host + "/out:1"));
        Assert.Equal("map[org.example.a: org.example.b:x=y]", place.Timur.Inspect(registry.Host + "/out:1", "{{.Annotations}}"));
        Assert.Equal(125, place.Build(text, "--annotation", "=x").Code);
    }

    [Fact]
    public void What_happens_goes_to_a_file_when_that_is_asked_for()
    {
        string log = place.Timur.Root + "/build.log";
        const string text = "FROM base\nRUN echo from-the-command; exit 3\n";
        Outcome failed = place.Build(text, "--logfile", log);
        Assert.True(failed.Code == 3 && failed.Error.StartsWith("timur: ", StringComparison.Ordinal), failed.ToString());
        Outcome built = BuildPlace.Succeed(place.Build("FROM base\nRUN echo second\n", "--logfile", log));
        Assert.DoesNotContain("echo second", built.Error);
        Assert.Matches("(?s)\\] from-the-command\n.*FAILED.*\\] second\n.*done in", File.ReadAllText(log));
        Assert.Contains("/nowhere/log: No such file", place.Build(text, "--logfile", "/nowhere/log").Error);
    }

    [Fact]
    public void Several_platforms_at_once_make_a_list_that_is_pushed()
    {
        using var registry = new RegistryServer(place.Timur.Root + "/registry-platforms");
        string list = registry.Host + "/many:1", file = place.Write("many", "FROM scratch\nARG TARGETARCH\nCOPY a.txt /$TARGETARCH\n");
        BuildPlace.Succeed(place.Timur.Run("build", "-q", "--platform", "linux/amd64,linux/arm64", "--platform", "linux/arm/v7", "--manifest", list, "--push", "-f", file, place.Context));
        JsonElement index = JsonDocument.Parse(TimurCommand.Execute("skopeo", ["inspect", "--raw", "--tls-verify=false", $"docker://{list}"]).Out).RootElement;
        Assert.Equal(["amd64", "arm", "arm64"], index.GetProperty("manifests").EnumerateArray().Select(entry => entry.GetProperty("platform").GetProperty("architecture").GetString()).Order());
        BuildPlace.Succeed(place.Timur.Run("manifest", "rm", list));
        BuildPlace.Succeed(place.Timur.Run("pull", "-q", "--platform", "linux/arm64", list));
        Assert.Equal("arm64", place.Timur.Inspect(list, "{{.Architecture}}"));
        foreach (string[] options in (string[][])[[], ["-t", "x", "--manifest", "l"], ["-o", "type=tar,dest=-", "--manifest", "l"]])
        {
            Outcome refused = place.Timur.Run(["build", "-q", "--platform", "linux/amd64,linux/arm64", "-f", file, .. options, place.Context]);
            Assert.True(refused.Code == 125 && refused.Error.Contains("can only be in a list", StringComparison.Ordinal), refused.ToString());
        }
    }

    [Fact]
    public void Only_what_is_older_is_forgotten_when_that_is_asked_for()
    {
        const string text = "FROM base\nRUN --mount=type=cache,target=/c echo x >>/c/kept; cp /c/kept /seen\n";
        BuildPlace.Succeed(place.Build(text));
        Assert.Contains("removed 0 steps, 0 layers", BuildPlace.Succeed(place.Timur.Run("builder", "prune", "-a", "-f", "--filter", "until=1h")).Out);
        Assert.Contains("CACHED", place.Build(text).Error);
        string tomorrow = DateTimeOffset.UtcNow.AddDays(1).ToUnixTimeSeconds().ToString();
        string pruned = BuildPlace.Succeed(place.Timur.Run("builder", "prune", "-a", "--filter", "until=" + tomorrow)).Out;
        Assert.DoesNotContain("removed 0 steps", pruned);
        Assert.DoesNotContain("removed 0 cache mounts", pruned);
        BuildPlace.Succeed(place.Build(text));
        Assert.Equal("x\n", place.Inside("cat /seen"));
        Assert.Contains("until=24h", place.Timur.Run("builder", "prune", "--filter", "label=x").Error);
    }

    [Fact]
    public void So_much_of_what_builds_keep_stays_and_the_oldest_goes_first()
    {
        BuildPlace.Succeed(place.Timur.Run("builder", "prune", "-a"));
        string[] steps = [.. "ABC".Select(letter => $"FROM base\nRUN head -c 300000 /dev/urandom >/{letter}; echo {letter}\n")];
        foreach (string step in steps)
        {
            BuildPlace.Succeed(place.Timur.Run("build", "-q", "--network", "none", "-f", place.Write("kept", step), place.Context));
        }

        BuildPlace.Succeed(place.Timur.Run("image", "prune", "-f"));
        Assert.Equal("", BuildPlace.Succeed(place.Timur.Run("builder", "prune", "--keep-storage", "1g")).Out);
        Assert.DoesNotContain("removed 0 steps", BuildPlace.Succeed(place.Timur.Run("builder", "prune", "-af", "--keep-storage", "700k")).Out);
        Assert.Equal([false, true, true], steps.Select(step => place.Build(step).Error.Contains("CACHED", StringComparison.Ordinal)));
        Assert.Contains("isn't a size", place.Timur.Run("builder", "prune", "--keep-storage", "lots").Error);
    }

    [Fact]
    public void A_build_takes_its_context_or_its_dockerfile_from_an_address()
    {
        using var text = new OneFileServer("FROM base\nRUN echo from-an-address >/where\n");
        BuildPlace.Succeed(place.Timur.Run("build", "-q", "--network", "none", "-t", "out", text.Address + "/Dockerfile"));
        Assert.Equal("from-an-address\n", place.Inside("cat /where"));
        using var archive = new TestServer(request => new TestAnswer(200, File.ReadAllBytes(place.Timur.Root + "/served" + request.Target), []));
        place.Timur.Must("mkdir -p $ROOT/served $ROOT/packed; echo FROM base >$ROOT/packed/Dockerfile; echo COPY f /f >>$ROOT/packed/Dockerfile; echo packed >$ROOT/packed/f; tar -C $ROOT/packed -cJf $ROOT/served/context.tar.xz .; tar -C $ROOT/packed -cf $ROOT/served/plain.tar .");
        BuildPlace.Succeed(place.Timur.Run("build", "-q", "--network", "none", "-t", "out", $"http://{archive.Host}/context.tar.xz"));
        Assert.Equal("packed\n", place.Inside("cat /f"));
        BuildPlace.Succeed(place.Timur.Run("import", "-q", $"http://{archive.Host}/plain.tar", "from-address"));
        Outcome nothing = place.Timur.Run("build", "http://127.0.0.1:1/Dockerfile");
        Assert.True(nothing.Code == 125 && nothing.Error.Contains("http://127.0.0.1:1/Dockerfile can't be fetched", StringComparison.Ordinal), nothing.ToString());
    }

    [Fact]
    public void Only_one_output_is_made()
        => Assert.Contains("a build has one", place.Build("FROM base\n", "-o", "type=tar,dest=-", "-o", "type=oci,dest=x").Error);

    /// <summary>The terminal itself writes ^C where the cursor is: the next picture begins at the line's start.</summary>
    [Fact]
    public void Control_c_leaves_the_terminal_in_order()
    {
        string shared = place.Timur.Root + "/began";
        Directory.CreateDirectory(shared);
        string file = place.Write("slow", "FROM base\nRUN touch /mnt/began; sleep 1000\n");
        Outcome ended = TimurCommand.Execute("sh", ["-c", $"(until test -e {shared}/began; do sleep 0.05; done; sleep 0.5; printf '\\003'; until test -e {shared}/ended; do sleep 0.05; done) | script -qec 'trap : INT; TERM=xterm {place.Timur.Words} build --network none -v {shared}:/mnt -f {file} {place.Context}; echo code $?; touch {shared}/ended' /dev/null"]);
        Assert.Contains("code 130", ended.Out);
        Assert.Matches("\\^C\r\u001b\\[[0-9]+A\u001b\\[J", ended.Out);
        Assert.Contains("the build was interrupted", ended.Out);
        Assert.Equal("everything is as recorded\n", place.Timur.Run("system", "check").Out);
    }

    [Fact]
    public void Help_fits_a_terminal_and_has_a_short_name()
    {
        string help = place.Timur.Run("build", "--help").Out;
        Assert.Equal(help, place.Timur.Run("build", "-h").Out);
        Assert.DoesNotContain(help.Split('\n'), line => line.Length > 80);
        Assert.Contains("change nothing here", help);
        Assert.Equal(place.Timur.Run("image", "--help").Out, place.Timur.Run("image", "-h").Out);
        Assert.Equal(help, place.Timur.Run("buildx", "build", "--help").Out);
    }
}
