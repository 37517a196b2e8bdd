using System.Text.Json;
using Timur.Kernel;
using Xunit;

namespace Timur.SystemTests.Build;

/// <summary><c>timur build</c>: what other builders leave open or do otherwise.</summary>
public sealed class BuildTests(BuildPlace place) : IClassFixture<BuildPlace>
{
    private static void Succeeds(Outcome outcome) => Assert.True(outcome.Code == 0, outcome.ToString());

    [Fact]
    public void A_second_build_takes_every_step_from_the_first_and_gives_the_same_image()
    {
        const string text = "FROM base\nARG A=1\nRUN echo $A >/one\nCOPY dir /dir\nWORKDIR /w\nRUN pwd >/two\nCMD [\"x\"]\n";
        Outcome first = place.Build(text);
        Outcome second = place.Build(text);
        Succeeds(second);
        Assert.Equal(first.Out, second.Out);
        Assert.DoesNotContain("CACHED", first.Error);
        Assert.Equal(4, second.Error.Split("CACHED").Length - 1);
    }

    [Fact]
    public void A_file_s_time_changes_no_step_but_its_content_mode_and_owner_do()
    {
        string file = place.Context + "/changing";
        const string text = "FROM base\nCOPY changing /c\n";
        File.WriteAllText(file, "one");
        Succeeds(place.Build(text));
        File.SetLastWriteTimeUtc(file, DateTime.UnixEpoch);
        Assert.Contains("CACHED", place.Build(text).Error);
        File.WriteAllText(file, "two");
        Assert.DoesNotContain("CACHED", place.Build(text).Error);
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        Assert.DoesNotContain("CACHED", place.Build(text).Error);
        File.Delete(file);
    }

    [Fact]
    public void An_argument_is_part_of_a_step_once_it_is_declared_and_a_proxy_never_is()
    {
        const string text = "FROM base\nRUN echo before >/b\nARG A\nRUN echo \"$A $http_proxy\" >/a\n";
        Succeeds(place.Build(text, "--build-arg", "A=1"));
        Outcome other = place.Build(text, "--build-arg", "A=2");
        Assert.Equal("2 \n", place.Inside("cat /a"));
        Assert.Equal(1, other.Error.Split("CACHED").Length - 1);
        Assert.Equal(2, place.Build(text, "--build-arg", "A=2", "--build-arg", "http_proxy=http://proxy").Error.Split("CACHED").Length - 1);
        Assert.Contains("--build-arg Q: no ARG asks for it", place.Build(text, "--build-arg", "A=2", "--build-arg", "Q=1").Error);
    }

    [Fact]
    public void Files_of_a_stage_count_by_what_is_in_them()
    {
        const string text = "FROM base AS b\nARG V\nRUN echo same >/f; echo $V >/other\nFROM base\nCOPY --from=b /f /f\nRUN echo after >/after\n";
        Succeeds(place.Build(text, "--build-arg", "V=1"));
        Outcome second = place.Build(text, "--build-arg", "V=2");
        Assert.Contains("COPY --from=b /f /f: CACHED", second.Error);
        Assert.Contains("RUN echo after >/after: CACHED", second.Error);
    }

    [Fact]
    public void No_cache_does_every_step_again()
    {
        const string text = "FROM base\nRUN cat /proc/sys/kernel/random/uuid >/u\n";
        Succeeds(place.Build(text));
        string before = place.Inside("cat /u");
        Assert.DoesNotContain("CACHED", place.Build(text, "--no-cache").Error);
        Assert.NotEqual(before, place.Inside("cat /u"));
    }

    [Fact]
    public void With_source_date_epoch_the_same_files_give_the_same_image_on_tmpfs_as_on_the_disk()
    {
        const string text = "FROM scratch\nADD files.tar.gz /t/\nCOPY dir /dir\nCOPY --from=base /bin/busybox /bin/\nRUN [\"/bin/busybox\", \"sh\", \"-c\", \"/bin/busybox mkdir /made; echo x >/made/f; /bin/busybox rm /dir/one; /bin/busybox ln /made/f /made/g\"]\n";
        string file = place.Write("epoch", text);
        string tmpfs = Directory.CreateTempSubdirectory("timur-tmpfs-").FullName;
        Assert.True(Mounts.TryMount("tmpfs", tmpfs, "tmpfs", out Errno why), why.ToString());
        try
        {
            string[] build = ["build", "-q", "--no-cache", "--network", "none", "--build-arg", "SOURCE_DATE_EPOCH=1700000000", "-t", "epoch", "-f", file, place.Context];
            string first = BuildPlace.Succeed(place.Timur.Run(build)).Out;
            string[] elsewhere = ["--root", tmpfs + "/data", "--state", tmpfs + "/run"];
            BuildPlace.Succeed(TimurCommand.Execute(TimurCommand.Path, [.. elsewhere, "import", "-c", "CMD [\"sh\"]", place.BaseArchive, "base"]));
            string second = BuildPlace.Succeed(TimurCommand.Execute(TimurCommand.Path, [.. elsewhere, .. build])).Out;
            Assert.Equal(first, second);
            Assert.Equal(first, place.Timur.Run(build).Out);
            Assert.Equal("2023-11-14T22:13:20Z", place.Config(first).GetProperty("created").GetString());
            TimurCommand.Execute(TimurCommand.Path, [.. elsewhere, "clear", "--force", "--all"]);
        }
        finally
        {
            Mounts.TryUnmount(tmpfs, out _, detach: true);
            Directory.Delete(tmpfs);
        }
    }

    [Fact]
    public void Steps_that_change_no_file_are_empty_layers_in_the_history()
    {
        Outcome built = place.Build("FROM base\nENV A=1\nRUN true\nRUN echo x >/x\nLABEL b=c\n");
        JsonElement config = place.Config(built.Out);
        JsonElement[] history = [.. config.GetProperty("history").EnumerateArray().TakeLast(4)];
        Assert.Equal([true, true, false, true], history.Select(step => step.TryGetProperty("empty_layer", out JsonElement empty) && empty.GetBoolean()));
        Assert.Equal(["ENV A=1", "RUN /bin/sh -c true", "RUN /bin/sh -c echo x >/x", "LABEL b=c"], history.Select(step => step.GetProperty("created_by").GetString()));
        Assert.Equal(2, config.GetProperty("rootfs").GetProperty("diff_ids").GetArrayLength());
    }

    [Fact]
    public void Here_documents_are_scripts_files_and_input()
    {
        Succeeds(place.Build("""
            FROM base
            ARG WHO=world
            RUN <<EOF
            echo "hello $WHO" >/one
            EOF
            RUN <<EOF
            #!/usr/bin/awk -f
            BEGIN { print "from awk" > "/two" }
            EOF
            RUN cat <<A >/three && cat <<-'B' >>/three
            in a: $WHO
            A
            	in b: $WHO
            	B
            COPY <<EOF <<"RAW" /files/
            expanded $WHO
            EOF
            not $WHO
            RAW
            """));
        Assert.Equal("hello world\nfrom awk\nin a: world\nin b: $WHO\nexpanded world\nnot $WHO\n", place.Inside("cat /one /two /three /files/EOF /files/RAW"));
    }

    [Fact]
    public void Copy_keeps_parents_leaves_out_and_links()
    {
        Succeeds(place.Build("""
            FROM base
            RUN ln -s /real /via
            COPY --parents dir/one nested/./deep/deep.md /p/
            COPY --exclude=t* --exclude=sub dir /e
            COPY --link --chmod=640 a.txt /via/a
            """));
        Assert.Equal("/e/one\n/p/deep/deep.md\n/p/dir/one\n/via/a\n", place.Inside("find /e /p /via/ -type f | sort"));
        Assert.Equal("directory\n640\n", place.Inside("stat -c %F /via; stat -c %a /via/a"));
    }

    [Fact]
    public void Add_fetches_addresses_and_repositories_and_checks_them()
    {
        string repository = place.Timur.Root + "/repository.git";
        BuildPlace.Succeed(TimurCommand.Execute("sh", ["-euc", $"""
            git init -q {repository}; cd {repository}; mkdir sub; echo in git >sub/f
            git -c user.name=t -c user.email=t@example.org add .; git -c user.name=t -c user.email=t@example.org commit -qm one
            """]));
        string commit = TimurCommand.Execute("git", ["-C", repository, "rev-parse", "HEAD"]).Out.Trim();
        using var server = new OneFileServer("from the network\n");
        string digest = "sha256:" + Timur.Digests.Sha256.Hex("from the network\n"u8);
        Succeeds(place.Build($"FROM base\nADD --checksum={digest} {server.Address}/some/file.txt /net/\nADD file://{repository}#HEAD:sub /git/\nADD --keep-git-dir=true --checksum={commit} file://{repository} /whole/\n"));
        Assert.Equal("from the network\n600\nin git\nin git\n.git\n", place.Inside("cat /net/file.txt; stat -c %a /net/file.txt; cat /git/f /whole/sub/f; ls -d /whole/.git | xargs basename; ls -d /git/.git 2>/dev/null || true"));
        Outcome wrong = place.Build($"FROM base\nADD --checksum=sha256:{new string('0', 64)} {server.Address}/x /x\n");
        Assert.Equal(125, wrong.Code);
        Assert.Contains("--checksum wants", wrong.Error);
    }

    [Fact]
    public void An_archive_from_the_network_is_not_unpacked_and_a_network_is_what_run_asks_for()
    {
        using var server = new OneFileServer(File.ReadAllText(place.Context + "/files.tar"));
        Succeeds(place.Build($"FROM base\nADD {server.Address}/files.tar /net/\nADD files.tar /here/\nRUN --network=none ls /sys/class/net >/none\nRUN --network=host ls /sys/class/net >/host\n"));
        string links = string.Join('\n', Directory.GetDirectories("/sys/class/net").Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal($"dir\nlinks\nfiles.tar\nlo\n{links}\n", place.Inside("ls /net /here | grep -v : | grep .; cat /none; sort /host"));
    }

    [Fact]
    public void A_failed_step_can_be_entered_on_a_terminal()
    {
        string file = place.Write("entered", "FROM base\nRUN echo left >/left; exit 7\n");
        Outcome entered = TimurCommand.Execute("sh", ["-c", $"(for i in $(seq 60); do sleep 1; echo 'cat /left | tr a-z A-Z; exit' || break; done) | script -qec '{place.Timur.Words} build --on-error=shell --network none -f {file} {place.Context}' /dev/null"]);
        Assert.Contains("exit code 7; this shell is where it failed", entered.Out);
        Assert.Contains("LEFT", entered.Out);
        Assert.Equal("everything is as recorded\n", place.Timur.Run("system", "check").Out);
    }

    [Fact]
    public void Caches_outlive_builds_and_pruning_forgets_them()
    {
        const string text = "FROM base\nARG N\nRUN --mount=type=cache,target=/c,mode=0700,uid=7 echo $N >>/c/list; cp /c/list /seen; stat -c '%a %u' /c >>/seen\n";
        Succeeds(place.Build(text, "--build-arg", "N=1"));
        Succeeds(place.Build(text, "--build-arg", "N=2"));
        Assert.Equal("1\n2\n700 7\n", place.Inside("cat /seen; ls -d /c 2>/dev/null || true"));
        Assert.Equal(0, place.Timur.Run("builder", "prune", "--all").Code);
        Succeeds(place.Build(text, "--build-arg", "N=3"));
        Assert.Equal("3\n700 7\n", place.Inside("cat /seen"));
    }

    [Fact]
    public void Mounts_show_other_files_and_leave_no_trace()
    {
        File.WriteAllText(place.Timur.Root + "/token", "s3cret");
        Succeeds(place.Build("""
            FROM base AS other
            RUN mkdir -p /o/d; echo made >/o/d/f; ln -s /o/d/f /o/link
            FROM base
            RUN --mount=type=bind,from=other,source=/o,target=/in --mount=type=bind,source=dir/one,target=/one \
                --mount=type=bind,from=other,source=/o/link,target=/followed --mount=type=bind,target=/ctx,rw \
                --mount=type=secret,id=token,mode=0444 --mount=type=secret,id=token,env=TOKEN --mount=type=tmpfs,target=/mem/ory,size=1m \
                cat /in/d/f /one /followed >/seen; echo x >/ctx/new; cat /run/secrets/token >>/seen; echo " $TOKEN" >>/seen; stat -f -c %T /mem/ory >>/seen; touch /in/x 2>>/seen || true
            """, "--secret", $"id=token,src={place.Timur.Root}/token"));
        Assert.Equal("made\none\nmade\ns3cret s3cret\ntmpfs\ntouch: /in/x: Read-only file system\n", place.Inside("cat /seen"));
        Assert.Equal("", place.Inside("ls -d /in /one /followed /ctx /run/secrets /mem 2>/dev/null || true"));
        Assert.False(File.Exists(place.Context + "/new"));
        Assert.DoesNotContain("s3cret", TimurCommand.Execute("grep", ["-rl", "s3cret", place.Timur.Root + "/data/images/configs", place.Timur.Root + "/data/images/cache"]).Out);
        Assert.Contains("needs the secret 'token'", place.Build("FROM base\nRUN --mount=type=secret,id=token,required cat /run/secrets/token\n").Error);
    }

    [Fact]
    public void An_ssh_agent_s_socket_is_there_for_the_command_only()
    {
        string socket = place.Timur.Root + "/agent";
        using Fd listening = Sockets.Listen(socket, SocketKind.Stream);
        Succeeds(place.Build("FROM base\nRUN --mount=type=ssh test -S $SSH_AUTH_SOCK && echo socket >/seen\nRUN echo \"[$SSH_AUTH_SOCK]\" >>/seen\n", "--ssh", $"default={socket}"));
        Assert.Equal("socket\n[]\n", place.Inside("cat /seen"));
    }

    [Fact]
    public void A_base_without_any_directory_runs_commands_and_keeps_nothing_of_what_they_needed()
    {
        Succeeds(place.Build("FROM scratch\nCOPY --from=base /bin/busybox /bin/busybox\nRUN [\"/bin/busybox\", \"true\"]\nRUN [\"/bin/busybox\", \"touch\", \"/etc/mine\"]\n"));
        string tree = place.Timur.Root + "/scratch-tree";
        Succeeds(place.Timur.Run("build", "-q", "--network", "none", "-o", tree, "-f", place.Timur.Root + "/test.Dockerfile", place.Context));
        Assert.Equal(["/bin", "/bin/busybox", "/etc", "/etc/mine"], TreeListing.Of(tree).Skip(1).Select(line => line.Split(' ')[0]));
    }

    [Fact]
    public void Stages_that_need_nothing_of_each_other_run_at_the_same_time()
    {
        // Each waits for a file that the other makes in a cache that both have.
        const string wait = "for i in $(seq 200); do test -e /c/{1} && exit 0; sleep 0.05; done; exit 1";
        string Stage(string own, string other) => $"FROM base AS {own}\nRUN --mount=type=cache,id=meet,target=/c touch /c/{own}; {wait.Replace("{1}", other, StringComparison.Ordinal)}\n";
        Succeeds(place.Build($"{Stage("one", "two")}{Stage("two", "one")}FROM base\nCOPY --from=one /etc/passwd /1\nCOPY --from=two /etc/passwd /2\n"));
    }

    [Fact]
    public void Stages_that_nobody_needs_are_not_built_and_a_target_needs_no_later_ones()
    {
        const string text = "FROM base AS bad\nRUN exit 9\nFROM base AS good\nRUN echo g >/g\nFROM bad AS last\n";
        Succeeds(place.Build(text, "--target", "good"));
        Assert.Equal(9, place.Build(text).Code);
        Outcome unknown = place.Build(text, "--target", "goood");
        Assert.Contains("has no stage 'goood'", unknown.Error);
        Assert.Contains("did you mean --target good?", unknown.Error);
    }

    [Fact]
    public void A_failed_command_shows_its_lines_its_exit_code_what_it_wrote_and_what_to_do()
    {
        Outcome failed = place.Build("FROM base\nENV A=1\nRUN echo first && \\\n    echo last words >&2 && \\\n    exit 3\nCMD x\n");
        Assert.Equal(3, failed.Code);
        Assert.Contains("test.Dockerfile:3: RUN ended with exit code 3", failed.Error);
        Assert.Contains("  5 |     exit 3\n", failed.Error);
        Assert.Contains("    first\n    last words\n", failed.Error);
        Assert.Contains("--on-error=shell", failed.Error);
        Assert.Contains("[3/4] FAILED after", failed.Error);
        Assert.Contains("(command not found)", place.Build("FROM base\nRUN nothing-of-that-name\n").Error);
    }

    [Theory]
    [InlineData("FROM base\nCOPY nothing /x\n", "there is no 'nothing' in the context", "paths are looked up")]
    [InlineData("FROM base\nCOPY dir/on /x\n", "there is no 'dir/on'", "did you mean dir/one?")]
    [InlineData("FROM base\nCOPY a.txt b.bin /x\n", "several files can't be copied to one name", "end the target with /")]
    [InlineData("FROM base\nCOPY dir /etc/passwd\n", "/etc/passwd has to be a directory", "choose another target")]
    [InlineData("FROM base\nCOPY a.txt /etc/passwd/x\n", "/etc/passwd", "choose another target")]
    [InlineData("FROM base\nCOPY --from=nobody /x /x\n", "no image 'nobody'", "there are:")]
    [InlineData("FROM base\nCOPY --chown=someone a.txt /\n", "no user 'someone'", "add it by RUN")]
    [InlineData("FROM base\nRUN --mount=type=bind,source=none,target=/x true\n", "there is no 'none'", "source=")]
    [InlineData("FROM base\nRUN --mount=type=what,target=/x true\n", "there is no type 'what'", "cache")]
    [InlineData("FROM base\nRUN --mount=type=tmpfs,id=x,target=/x true\n", "type=tmpfs has no key 'id'", "its keys are target size")]
    [InlineData("FROM base\nRUN --mount=type=bind,target=/x,size=1m true\n", "type=bind has no key 'size'", "its keys are target source from readwrite")]
    [InlineData("FROM base\nRUN --mount=target=/x,sharing=locked true\n", "type=bind has no key 'sharing'", "its keys are")]
    [InlineData("FROM base\nRUN --mount=env=X,type=cache,target=/x true\n", "type=cache has no key 'env'", "its keys are id target readonly sharing from source mode uid gid")]
    [InlineData("FROM base\nRUN --mount=type=secret,id=s,src=/x true\n", "type=secret has no key 'src'", "its keys are id target env required mode uid gid")]
    [InlineData("FROM base\nRUN --mount=type=ssh,from=x true\n", "type=ssh has no key 'from'", "its keys are id target required mode uid gid")]
    [InlineData("FROM base\nRUN --mount=type=cache,target=/x,colour=red true\n", "type=cache has no key 'colour'", "its keys are")]
    [InlineData("FROM base\nRUN --mount=type=cache,target=/x,sharing=mine true\n", "sharing=mine isn't possible", "shared, private or locked")]
    [InlineData("FROM base\nRUN --mount=type=secret,id=s,mode=rw true\n", "mode=rw isn't possible", "an octal number")]
    [InlineData("FROM base\nRUN --mount=type=cache,target=/x,uid=me true\n", "uid=me isn't possible", "a number")]
    [InlineData("FROM base\nRUN --mount=type=tmpfs,target=/x,size=lots true\n", "size=lots isn't possible", "a size such as 64m")]
    [InlineData("FROM base\nRUN --mount=type=bind,target=/x,rw=maybe true\n", "rw=maybe isn't possible", "true or false")]
    [InlineData("FROM base\nRUN --network=mars true\n", "--network=mars", "host")]
    [InlineData("FROM base\nRUN --security=insecure true\n", "as good as root", "--allow")]
    [InlineData("FROM nowhere:1\n", "no image 'nowhere:1'", "there are:")]
    [InlineData("FROM $NOTHING\n", "names nothing", "ARG")]
    [InlineData("FROM base\nUSER nobody-known\nRUN true\n", "no user 'nobody-known'", "passwd")]
    [InlineData("FROM host\n", "no image to build on", "scratch")]
    [InlineData("FROM base\nEXPOSE 99999\n", "isn't a port", "80")]
    [InlineData("FROM base\nSTOPSIGNAL SIGWHAT\n", "isn't a signal", "SIGTERM")]
    public void A_mistake_is_told_with_its_place_and_leaves_nothing(string text, string message, string advice)
    {
        string before = Residue.Of(place.Timur);
        Outcome failed = place.Build(text, "--pull-policy", "never");
        Assert.Equal(125, failed.Code);
        Assert.Contains("test.Dockerfile:", failed.Error);
        Assert.Contains(message, failed.Error);
        Assert.Contains(advice, failed.Error);
        Assert.Equal(before, Residue.Of(place.Timur));
        Assert.DoesNotContain("defect", failed.Error);
        Assert.Empty(Directory.GetFileSystemEntries(place.Timur.Root + "/data/images/layers", ".*"));
    }

    [Fact]
    public void A_context_comes_as_an_archive_and_a_dockerfile_without_one_on_standard_input()
    {
        string file = place.Write("stdin", "FROM base\nCOPY a.txt /x\n");
        string words = $"{place.Timur.Words} build -q --network none";
        Outcome archive = TimurCommand.Execute("sh", ["-c", $"cd {place.Context} && cp {file} ./D && tar -c . | gzip | {words} -t out -f D -; rm D"]);
        Succeeds(archive);
        Assert.Equal("file a\n", place.Inside("cat /x"));
        Succeeds(TimurCommand.Execute("sh", ["-c", $"echo 'FROM base\nRUN echo piped >/x' | {words} -t out -"]));
        Assert.Equal("piped\n", place.Inside("cat /x"));
        Succeeds(TimurCommand.Execute("sh", ["-c", $"echo 'FROM base\nCOPY a.txt /y' | {words} -t out -f - {place.Context}"]));
        Assert.Equal("file a\n", place.Inside("cat /y"));
    }

    [Fact]
    public void Further_contexts_labels_several_names_and_the_id_file()
    {
        Directory.CreateDirectory(place.Timur.Root + "/more");
        File.WriteAllText(place.Timur.Root + "/more/m", "more\n");
        string ids = place.Timur.Root + "/id";
        Outcome built = place.Build("FROM start\nCOPY --from=extra m /m\n", "--build-context", $"extra={place.Timur.Root}/more", "--build-context", "start=docker-image://base", "--label", "a=b", "-t", "second:2", "--iidfile", ids);
        Succeeds(built);
        Assert.Equal(built.Out.Trim(), File.ReadAllText(ids));
        Assert.Equal("b", place.Timur.Inspect("second:2", "{{.Config.Labels.a}}"));
        Assert.Equal("more\n", place.Inside("cat /m"));
    }

    [Fact]
    public void Squash_leaves_one_layer_that_hides_what_the_steps_removed()
    {
        Outcome built = place.Build("FROM base\nRUN echo a >/a; rm /etc/base.conf; mkdir /d; echo 1 >/d/1\nRUN rm /a; rm -r /d; mkdir /d; echo 2 >/d/2; rm -r /usr/share/base; mkdir /usr/share/base\n", "--squash");
        Succeeds(built);
        Assert.Equal(2, place.Config(built.Out).GetProperty("rootfs").GetProperty("diff_ids").GetArrayLength());
        Assert.Equal("/d/2\n", place.Inside("ls /a /etc/base.conf 2>/dev/null; find /d /usr/share/base -type f"));
    }

    [Fact]
    public void Every_platform_variable_and_the_shell_of_commands()
    {
        Outcome built = place.Build("FROM base\nARG TARGETOS\nARG TARGETARCH\nARG BUILDPLATFORM\nRUN echo \"$TARGETOS/$TARGETARCH [$TARGETPLATFORM]\" >/p\nSHELL [\"/bin/sh\",\"-exc\"]\nCMD echo cmd\nENTRYPOINT start it\nHEALTHCHECK --interval=2s CMD check it\n", "--platform", "linux/amd64");
        Succeeds(built);
        Assert.Equal("linux/amd64 []\n", place.Inside("cat /p"));
        JsonElement config = place.Config(built.Out).GetProperty("config");
        Assert.Equal("[\"/bin/sh\",\"-exc\",\"start it\"]", JsonSerializer.Serialize(config.GetProperty("Entrypoint")));
        Assert.Equal("[\"/bin/sh\",\"-exc\"]", JsonSerializer.Serialize(config.GetProperty("Shell")));
        Assert.Equal(2_000_000_000, config.GetProperty("Healthcheck").GetProperty("Interval").GetInt64());
    }

    [Fact]
    public void An_archive_of_the_files_goes_to_standard_output()
    {
        string file = place.Write("tar", "FROM scratch\nCOPY dir /d\n");
        Outcome listed = TimurCommand.Execute("sh", ["-c", $"{place.Timur.Words} build -q -o - -f {file} {place.Context} | tar -t"]);
        Assert.Equal("./\nd/\nd/one\nd/sub/\nd/sub/three\nd/two\n", listed.Out);
    }

    [Fact]
    public void Layers_of_the_cache_stay_when_the_image_goes_and_go_with_the_cache()
    {
        Succeeds(place.Build("FROM base\nRUN echo kept >/kept\n"));
        Succeeds(place.Timur.Run("rmi", "out"));
        Assert.Equal("everything is as recorded\n", place.Timur.Run("system", "check").Out);
        Assert.Contains("CACHED", place.Build("FROM base\nRUN echo kept >/kept\n").Error);
        Succeeds(place.Timur.Run("rmi", "out"));
        Assert.Equal(0, place.Timur.Run("builder", "prune").Code);
        Assert.Equal("everything is as recorded\n", place.Timur.Run("system", "check").Out);
        Assert.DoesNotContain("CACHED", place.Build("FROM base\nRUN echo kept >/kept\n").Error);
    }
}
