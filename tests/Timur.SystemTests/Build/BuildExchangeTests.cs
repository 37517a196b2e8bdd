using Timur.SystemTests.Registries;
using Xunit;

namespace Timur.SystemTests.Build;

/// <summary>What a build gives to others: steps in a registry, archives that skopeo and umoci read, images that are pushed.</summary>
public sealed class BuildExchangeTests(BuildExchangeTests.Shared shared) : IClassFixture<BuildExchangeTests.Shared>
{
    private const string Text = """
        FROM base
        RUN od -N 16 -A n -t x1 /dev/urandom >/random
        COPY dir /dir
        WORKDIR /dir
        RUN true

        """;

    private BuildPlace Place => shared.Place;

    [Theory]
    [InlineData("steps", "steps", "[0-9a-f]{64}")]
    [InlineData("type=registry,ref=HOST/tagged:main,mode=max", "type=registry,ref=HOST/tagged:main", "main-[0-9a-f]{64}")]
    public void Steps_go_to_a_registry_and_another_machine_takes_them_from_there(string to, string from, string tags)
    {
        string host = shared.Registry.Host;
        string text = Text + $"LABEL of={tags}\nRUN echo '{tags}' >/name\n";
        to = to.Contains("HOST", StringComparison.Ordinal) ? to.Replace("HOST", host, StringComparison.Ordinal) : $"{host}/{to}";
        from = from.Contains("HOST", StringComparison.Ordinal) ? from.Replace("HOST", host, StringComparison.Ordinal) : $"{host}/{from}";
        string first = BuildPlace.Succeed(Place.Build(text, "--cache-to", to)).Out;
        string listed = TimurCommand.Execute("skopeo", ["list-tags", "--tls-verify=false", $"docker://{to.Split("ref=")[^1].Split(',')[0].Replace(":main", "", StringComparison.Ordinal)}"]).Out;
        Assert.Matches($"\"{tags}\"", listed);
        using var other = new TimurCommand();
        BuildPlace.Succeed(other.Run("import", "-c", "CMD [\"sh\"]", Place.BaseArchive, "base"));
        string file = Place.Write("other", text);
        Outcome second = BuildPlace.Succeed(other.Run("build", "--progress", "plain", "--network", "none", "-t", "out", "--cache-from", from, "-f", file, Place.Context));
        Assert.Equal(Place.Inside("cat /random /name"), other.Run("run", "--rm", "--network", "none", "out", "cat", "/random", "/name").Out);
        Assert.Equal(Layers(Place.Timur, first), Layers(other, second.Out));
        Assert.Equal("everything is as recorded\n", other.Run("system", "check").Out);
        Assert.DoesNotContain(host, other.Run("images", "-a").Out);
    }

    [Fact]
    public void Steps_go_to_a_directory_and_another_machine_takes_them_from_there()
    {
        string directory = Place.Timur.Root + "/steps", text = Text + "RUN echo 'in a directory' >/name\n";
        BuildPlace.Succeed(Place.Build(text, "--cache-to", $"type=local,dest={directory},mode=max"));
        BuildPlace.Succeed(Place.Build(text, "--cache-to", $"type=local,dest={directory}"));
        using var other = new TimurCommand();
        BuildPlace.Succeed(other.Run("import", "-c", "CMD [\"sh\"]", Place.BaseArchive, "base"));
        BuildPlace.Succeed(other.Run("build", "--progress", "plain", "--network", "none", "-t", "out", "--cache-from", $"type=local,src={directory}", "-f", Place.Write("other", text), Place.Context));
        Assert.Equal(Place.Inside("cat /random /name"), other.Run("run", "--rm", "--network", "none", "out", "cat", "/random", "/name").Out);
        Assert.Equal("everything is as recorded\n", other.Run("system", "check").Out);
        BuildPlace.Succeed(Place.Build("FROM base\nRUN echo nothing is there\n", "--cache-from", "type=local,src=/nowhere"));
        Assert.Contains("--cache-to /proc/nowhere", Place.Build("FROM base\nRUN echo cannot be written\n", "--cache-to", "type=local,dest=/proc/nowhere").Error);
        Assert.Contains("src is missing", Place.Build("FROM base\n", "--cache-from", "type=local").Error);
        Assert.Contains("there is no type gha", Place.Build("FROM base\n", "--cache-to", "type=gha").Error);
    }

    [Fact]
    public void A_step_s_manifest_is_asked_for_once()
    {
        using var proxy = new FaultProxy(shared.Registry.Host);
        const string text = "FROM base\nRUN echo once >/once\nRUN true\n";
        BuildPlace.Succeed(Place.Build(text, "--cache-to", $"{shared.Registry.Host}/once"));
        using var other = new TimurCommand();
        BuildPlace.Succeed(other.Run("import", "-c", "CMD [\"sh\"]", Place.BaseArchive, "base"));
        Outcome built = BuildPlace.Succeed(other.Run("build", "--progress", "plain", "--network", "none", "--cache-from", $"{proxy.Host}/once", "-f", Place.Write("other", text + "RUN echo unknown >/u\n"), Place.Context));
        Assert.Equal(2, built.Error.Split("CACHED").Length - 1);
        Assert.Equal([1, 1, 1], proxy.Requests.Where(request => request.Target.Contains("/manifests/", StringComparison.Ordinal)).GroupBy(request => request.Target).Select(group => group.Count()));
    }

    [Fact]
    public void A_registry_that_does_not_answer_is_a_warning_for_taking_and_a_failure_for_giving()
    {
        Outcome built = BuildPlace.Succeed(Place.Build("FROM base\nRUN echo unanswered >/u\n", "--cache-from", "127.0.0.1:1/steps"));
        Assert.Contains("warning: no steps from 127.0.0.1:1/steps", built.Error);
        Assert.NotEqual(0, Place.Build("FROM base\nRUN echo unanswered >/v\n", "--cache-to", "127.0.0.1:1/steps").Code);
        Assert.Contains("there is no type s3", Place.Build("FROM base\n", "--cache-to", "type=s3,ref=x").Error);
    }

    [Fact]
    public void An_image_goes_to_an_oci_archive_a_layout_and_a_docker_archive_that_others_read()
    {
        string root = Place.Timur.Root;
        foreach ((string output, string source) in ((string, string)[])
            [
                ($"type=oci,dest={root}/o.tar", $"oci-archive:{root}/o.tar:1"), ($"type=oci,tar=false,dest={root}/o", $"oci:{root}/o:1"), ($"type=docker,dest={root}/d.tar", $"docker-archive:{root}/d.tar:example.org/given:1"),
            ])
        {
            BuildPlace.Succeed(Place.Build(Text + "CMD [\"given\"]\n", "-t", "example.org/given:1", "--output", output));
            string config = BuildPlace.Succeed(TimurCommand.Execute("skopeo", ["inspect", "--config", source])).Out;
            Assert.Contains("given", config);
            Assert.DoesNotContain("example.org/given", Place.Timur.Run("images", "-a").Out);
        }

        BuildPlace.Succeed(TimurCommand.Execute("umoci", ["unpack", "--image", $"{root}/o:1", $"{root}/unpacked"]));
        Assert.Equal("one\n", File.ReadAllText($"{root}/unpacked/rootfs/dir/one"));
        Assert.Contains("dest is missing", Place.Build("FROM base\n", "-o", "type=oci").Error);
        Assert.Contains("there is no type zip", Place.Build("FROM base\n", "-o", "type=zip,dest=x").Error);
    }

    [Fact]
    public void An_image_is_named_and_pushed_by_the_output_option()
    {
        string name = $"{shared.Registry.Host}/pushed:2";
        BuildPlace.Succeed(Place.Build("FROM base\nRUN echo p >/p\n", "-o", $"type=image,name={name},push=true"));
        Assert.Equal(0, TimurCommand.Execute("skopeo", ["inspect", "--tls-verify=false", $"docker://{name}"]).Code);
        Assert.Equal("p\n", Place.Timur.Run("run", "--rm", "--network", "none", name, "cat", "/p").Out);
    }

    private static string Layers(TimurCommand timur, string id)
        => System.Text.Json.JsonDocument.Parse(File.ReadAllText($"{timur.Root}/data/images/configs/{id.Trim()["sha256:".Length..]}.json")).RootElement.GetProperty("rootfs").ToString();

    /// <summary>One store and one registry for all.</summary>
    public sealed class Shared : IDisposable
    {
        public Shared() => Registry = new RegistryServer(Place.Timur.Root + "/registry");

        internal BuildPlace Place { get; } = new();

        internal RegistryServer Registry { get; }

        public void Dispose()
        {
            Registry.Dispose();
            Place.Dispose();
        }
    }
}
