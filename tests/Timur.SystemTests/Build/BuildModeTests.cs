using System.Net.Sockets;
using System.Text;
using Xunit;

namespace Timur.SystemTests.Build;

/// <summary>Modes that COPY and ADD give, and holes of files that are copied.</summary>
public sealed class BuildModeTests(BuildPlace place) : IClassFixture<BuildPlace>
{
    [Fact]
    public void Copy_and_add_change_modes_as_chmod_does()
    {
        BuildPlace.Succeed(place.Build("""
            FROM base
            ARG WHO=o
            COPY --chmod=u=rwX,go=rX modes /copied
            COPY --chmod=g=u,${WHO}-rwx a.txt /a
            ADD --chmod=a+X,go-w --chown=5:6 files.tar.gz /unpacked/
            ADD --chmod=0710 files.tar /octal/
            """));
        string stat = place.Inside("cd /; stat -c '%n %a %u' copied copied/f copied/ro copied/d copied/d/x a unpacked/dir unpacked/dir/one octal/dir octal/dir/one; readlink unpacked/links/to-file");
        Assert.Equal("""
            copied 755 0
            copied/f 755 0
            copied/ro 644 0
            copied/d 755 0
            copied/d/x 644 0
            a 660 0
            unpacked/dir 755 5
            unpacked/dir/one 644 5
            octal/dir 710 21
            octal/dir/one 710 21
            ../a.txt

            """, stat);
        Assert.Contains("--chmod=u+y isn't a mode", place.Build("FROM base\nCOPY --chmod=u+y a.txt /\n").Error);
    }

    [Fact]
    public void What_scripts_for_Docker_say_is_taken_and_attestations_are_refused()
    {
        using var place = new BuildPlace();
        BuildPlace.Succeed(place.Build("FROM base\nRUN echo x >/made\n", "--load", "--rm", "--force-rm", "--provenance=false", "--sbom=false"));
        Assert.Equal("x\n", place.Inside("cat /made"));
        Outcome refused = place.Build("FROM base\n", "--provenance=true");
        Assert.True(refused.Code == 125 && refused.Error.Contains("without attestations", StringComparison.Ordinal), refused.ToString());
    }

    [Fact]
    public void Holes_stay_holes_in_what_is_copied_committed_and_given_to_volumes()
    {
        string sparse = place.Context + "/sparse";
        BuildPlace.Succeed(TimurCommand.Execute("sh", ["-euc", $"truncate -s 64M {sparse}; printf begin | dd of={sparse} conv=notrunc 2>&1; printf middle | dd of={sparse} bs=1M seek=33 conv=notrunc 2>&1"]));
        try
        {
            string digest = TimurCommand.Execute("sha256sum", [sparse]).Out.Split(' ')[0];
            BuildPlace.Succeed(place.Build("FROM base\nCOPY sparse /files/sparse\n"));
            AssertSparse(digest, place.Inside("stat -c '%s %b' /files/sparse; sha256sum /files/sparse"));
            TimurCommand timur = place.Timur;
            BuildPlace.Succeed(timur.Run("run", "--name", "holes", "--network", "none", "-v", "holes:/files", "out", "sh", "-c", "cp /files/sparse /tmp/full; truncate -s 64M /own; printf end >>/own"));
            AssertSparse(digest, timur.Run("run", "--rm", "--network", "none", "-v", "holes:/files", "out", "sh", "-c", "stat -c '%s %b' /files/sparse; sha256sum /files/sparse").Out);
            BuildPlace.Succeed(timur.Run("cp", "holes:/own", timur.Root + "/own"));
            BuildPlace.Succeed(timur.Run("commit", "holes", "out"));
            string own = TimurCommand.Execute("sha256sum", [timur.Root + "/own"]).Out.Split(' ')[0];
            AssertSparse(own, TimurCommand.Execute("sh", ["-c", $"stat -c '%s %b' {timur.Root}/own; sha256sum {timur.Root}/own"]).Out);
            AssertSparse(own, place.Inside("stat -c '%s %b' /own; sha256sum /own"));
            BuildPlace.Succeed(timur.Run("cp", sparse, "holes:/in"));
            AssertSparse(digest, TimurCommand.Execute("sh", ["-c", $"f=$(echo {timur.Root}/data/containers/*/upper/in); stat -c '%s %b' $f; sha256sum $f"]).Out);
            BuildPlace.Succeed(timur.Run("rm", "-v", "holes"));
            BuildPlace.Succeed(timur.Run("volume", "rm", "holes"));
        }
        finally
        {
            File.Delete(sparse);
        }
    }

    [Fact]
    public void An_address_is_fetched_again_only_when_the_server_says_that_it_changed()
    {
        using var server = new OneFileServer("one\n", "\"1\"");
        string text = $"FROM base\nADD {server.Address}/f /f\n";
        BuildPlace.Succeed(place.Build(text));
        BuildPlace.Succeed(place.Build(text));
        Assert.Equal([200, 304], server.Answers);
        Assert.Equal("one\n", place.Inside("cat /f"));
        (server.Content, server.Tag) = ("two\n", "\"2\"");
        BuildPlace.Succeed(place.Build(text));
        Assert.Equal("two\n", place.Inside("cat /f"));

        // What is kept isn't trusted: it is digested on its way.
        string kept = Directory.GetFiles(place.Timur.Root + "/data/images/downloads").Single(path => !path.EndsWith(".about", StringComparison.Ordinal));
        File.WriteAllText(kept, "bad\n");
        BuildPlace.Succeed(place.Build(text));
        Assert.Equal("two\n", place.Inside("cat /f"));
        Assert.Equal([200, 304, 200, 304, 200], server.Answers);
        string checksum = "sha256:" + Timur.Digests.Sha256.Hex("two\n"u8);
        BuildPlace.Succeed(place.Build($"FROM base\nADD --checksum={checksum} {server.Address}/f /f\n"));
        Assert.Equal(5, server.Answers.Count);
        Assert.Equal(0, place.Timur.Run("builder", "prune", "--all").Code);
        Assert.Empty(Directory.GetFiles(place.Timur.Root + "/data/images/downloads"));
    }

    [Fact]
    public async Task An_ssh_agent_answers_whoever_the_mount_s_owner_and_mode_let_in()
    {
        string agent = place.Timur.Root + "/agent";
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(agent));
        listener.Listen();
        string text = """
            FROM base
            RUN --mount=type=ssh,id=k,uid=1000,gid=7,mode=0660,required --mount=type=cache,id=told,target=/c \
                stat -c '%a %u %g %F' $SSH_AUTH_SOCK >/seen; echo $SSH_AUTH_SOCK >/c/began; for i in $(seq 600); do test -e /c/go && exit 0; sleep 0.1; done; exit 1
            """;
        string cache = $"{place.Timur.Root}/data/images/mounts/{Timur.Digests.Sha256.Hex("told"u8)}/data";
        Task<Outcome> build = Task.Run(() => place.Build(text, "--ssh", $"k={agent}"));
        Assert.True(SpinWait.SpinUntil(() => File.Exists(cache + "/began") || build.IsCompleted, 60_000) && !build.IsCompleted, $"the command doesn't begin: {build.Status}");
        string relay = Directory.GetFiles(place.Timur.Root + "/run/containers", "agent*", SearchOption.AllDirectories).Single();
        using (var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            await client.ConnectAsync(new UnixDomainSocketEndPoint(relay));
            await client.SendAsync("question"u8.ToArray());
            using Socket served = await listener.AcceptAsync();
            byte[] bytes = new byte[100];
            Assert.Equal("question", Encoding.ASCII.GetString(bytes, 0, await served.ReceiveAsync(bytes)));
            await served.SendAsync("answer"u8.ToArray());
            Assert.Equal("answer", Encoding.ASCII.GetString(bytes, 0, await client.ReceiveAsync(bytes)));
        }

        await File.WriteAllTextAsync(cache + "/go", "");
        BuildPlace.Succeed(await build);
        Assert.Equal("660 1000 7 socket\n", place.Inside("cat /seen"));
        Assert.Contains("needs the ssh agent 'none'", place.Build("FROM base\nRUN --mount=type=ssh,id=none,required true\n").Error);
    }

    [Fact]
    public void Caches_secrets_and_memory_take_every_key_they_have()
    {
        string token = place.Timur.Root + "/key-token";
        File.WriteAllText(token, "t0k\n");
        BuildPlace.Succeed(place.Build("""
            FROM base AS seed
            RUN mkdir -p /s/d; echo seeded >/s/d/f; chown 3:4 /s/d/f
            FROM base
            RUN --mount=type=cache,id=keys,target=/c,from=seed,source=/s/d,mode=0750,uid=8,gid=9,sharing=locked cat /c/f >/seen; stat -c '%a %u %g' /c >>/seen; stat -c '%u %g' /c/f >>/seen
            RUN --mount=type=cache,id=keys,target=/other,ro cat /other/f >>/seen; touch /other/x 2>/dev/null && echo written >>/seen; true
            RUN --mount=type=secret,id=t,target=/etc/t,mode=0440,uid=5,gid=6 --mount=type=secret,id=t,env=T --mount=type=tmpfs,target=/m,size=2m \
                cat /etc/t >>/seen; stat -c '%a %u %g' /etc/t >>/seen; echo $T >>/seen; df -k /m | tail -1 | awk '{print $2}' >>/seen
            RUN --mount=type=secret,id=absent,target=/etc/absent test ! -s /etc/absent
            """, "--secret", $"id=t,src={token}"));
        Assert.Equal("seeded\n750 8 9\n3 4\nseeded\nt0k\n440 5 6\nt0k\n2048\n", place.Inside("cat /seen"));
    }

    /// <summary>A file of 64 megabytes that occupies less than one.</summary>
    private static void AssertSparse(string digest, string output)
    {
        string[] words = output.Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
        Assert.True(words.Length >= 3 && long.Parse(words[0]) >= 64 << 20 && long.Parse(words[1]) < 2048 && words[2] == digest, output);
    }
}
