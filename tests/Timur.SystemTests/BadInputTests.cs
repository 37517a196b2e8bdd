using Xunit;

namespace Timur.SystemTests;

/// <summary>Mistakes get a message that names what and why, the exit code of the contract, and leave nothing.</summary>
public sealed class BadInputTests : IDisposable
{
    private readonly TimurCommand _timur = new();

    public void Dispose() => _timur.Dispose();

    [Theory]
    [InlineData(125, "unknown option --nam", "run", "--nam", "x", "busybox")]
    [InlineData(125, "did you mean timur run", "rum", "busybox")]
    [InlineData(125, "there is no image 'nosuch'", "run", "--pull", "never", "nosuch")]
    [InlineData(125, "isn't an image name", "run", "BAD!name")]
    [InlineData(127, "executable file not found in $PATH", "run", "--rm", "--network", "none", "busybox", "nope")]
    [InlineData(127, "stat /nope: no such file or directory", "run", "--rm", "--network", "none", "busybox", "/nope")]
    [InlineData(126, "permission denied", "run", "--rm", "--network", "none", "busybox", "/etc/passwd")]
    [InlineData(125, "/no/such/dir: No such file or directory", "run", "--rm", "--network", "none", "-v", "/no/such/dir:/x", "busybox", "true")]
    [InlineData(125, "--memory: 'lots' isn't a size", "run", "--rm", "--network", "none", "-m", "lots", "busybox", "true")]
    [InlineData(125, "--memory 100k: too little", "run", "--rm", "--network", "none", "-m", "100k", "busybox", "true")]
    [InlineData(125, "--cpus", "run", "--rm", "--network", "none", "--cpus", "1000", "busybox", "true")]
    [InlineData(125, "isn't a capability", "run", "--rm", "--network", "none", "--cap-add", "FLY", "busybox", "true")]
    [InlineData(125, "no user 'ghost'", "run", "--rm", "--network", "none", "-u", "ghost", "busybox", "true")]
    [InlineData(125, "isn't a resource limit", "run", "--rm", "--network", "none", "--ulimit", "bananas=3", "busybox", "true")]
    [InlineData(125, "contradict", "run", "--rm", "--restart", "always", "--network", "none", "busybox", "true")]
    [InlineData(1, "there is no container 'nobody'", "rm", "nobody")]
    [InlineData(1, "there is no image 'nosuch'", "rmi", "nosuch")]
    [InlineData(125, "there is no container 'nobody'", "stop", "nobody")]
    public void A_mistake_is_explained_and_leaves_nothing(int code, string message, params string[] arguments)
    {
        Outcome outcome = _timur.Run(arguments);
        Assert.Equal(code, outcome.Code);
        Assert.Contains(message, outcome.Error);
        Assert.Equal("", outcome.Out);
        Assert.Equal("", _timur.Run("ps", "-aq").Out);
        Assert.Equal("everything is as recorded\n", _timur.Run("system", "check").Out);
    }

    [Fact]
    public void A_taken_name_is_refused_and_named()
    {
        _timur.Start("taken", "sleep 100");
        Outcome outcome = _timur.Run("run", "--name", "taken", "busybox", "true");
        Assert.Equal(125, outcome.Code);
        Assert.Contains("the name 'taken' is taken", outcome.Error);
        Assert.Single(_timur.Run("ps", "-aq").Out.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public void A_program_of_another_architecture_or_without_its_interpreter_is_told_apart()
    {
        byte[] elf = File.ReadAllBytes(File.Exists("/bin/busybox") ? "/bin/busybox" : "/usr/bin/busybox");
        elf[18] = 0x28;
        File.WriteAllBytes(_timur.Root + "/foreign", elf);
        File.WriteAllText(_timur.Root + "/script", "#!/no/interpreter\n");
        File.WriteAllText(_timur.Root + "/text", "no first line\n");
        foreach (string name in (string[])["foreign", "script", "text"])
        {
            File.SetUnixFileMode($"{_timur.Root}/{name}", (UnixFileMode)0x1ED);
        }

        string volume = $"{_timur.Root}:/m";
        Outcome foreign = _timur.Run("run", "--rm", "--network", "none", "-v", volume, "busybox", "/m/foreign");
        Assert.Equal((126, true), (foreign.Code, foreign.Error.Contains("another architecture", StringComparison.Ordinal)));
        Outcome script = _timur.Run("run", "--rm", "--network", "none", "-v", volume, "busybox", "/m/script");
        Assert.Equal((127, true), (script.Code, script.Error.Contains("interpreter", StringComparison.Ordinal)));
        Assert.Equal(126, _timur.Run("run", "--rm", "--network", "none", "-v", volume, "busybox", "/m/text").Code);
    }

    [Fact]
    public void A_damaged_state_file_is_named_and_can_be_repaired()
    {
        _timur.Start("hurt", "true");
        _timur.Run("wait", "hurt");
        string directory = Directory.GetDirectories(_timur.Root + "/data/containers").Single();
        File.WriteAllText(directory + "/state", "status=Nonsense\n");
        Outcome listed = _timur.Run("ps", "-a");
        Assert.Equal(125, listed.Code);
        Assert.Contains(directory + "/state", listed.Error);
        Assert.Equal(1, _timur.Run("system", "check").Code);
        Assert.Equal(0, _timur.Run("system", "check", "--repair").Code);
        Assert.Equal(0, _timur.Run("ps", "-a").Code);
        File.WriteAllText(directory + "/container.json", "{");
        Assert.Contains("not valid JSON", _timur.Run("ps", "-a").Error);
        Assert.Equal(0, _timur.Run("system", "check", "--repair").Code);
        Assert.Equal("", _timur.Run("ps", "-aq").Out);
    }

    [Fact]
    public void Without_root_it_says_what_to_do()
    {
        Outcome outcome = TimurCommand.Execute("setpriv", ["--reuid=65534", "--regid=65534", "--clear-groups", TimurCommand.Path, "run", "busybox", "true"]);
        Assert.Equal(125, outcome.Code);
        Assert.Contains("sudo", outcome.Error);
    }

    [Fact]
    public void A_read_only_data_directory_is_explained()
    {
        Directory.CreateDirectory(_timur.Root + "/ro");
        Outcome outcome = TimurCommand.Execute("unshare",
        [
            "-m", "--propagation", "private", "sh", "-c", $"mount -t tmpfs -o ro none {_timur.Root}/ro && {TimurCommand.Path} --root {_timur.Root}/ro/d run --network none busybox true",
        ]);
        Assert.Equal(125, outcome.Code);
        Assert.Contains("Read-only file system", outcome.Error);
        Assert.Contains("--root DIR", outcome.Error);
    }

    [Fact]
    public void A_full_disk_is_explained_and_leaves_nothing()
    {
        Directory.CreateDirectory(_timur.Root + "/full");
        Outcome outcome = TimurCommand.Execute("unshare",
        [
            "-m", "--propagation", "private", "sh", "-c",
            $"mount -t tmpfs -o size=100k none {_timur.Root}/full && {TimurCommand.Path} --root {_timur.Root}/full --state {_timur.Root}/run2 run --network none busybox true; echo $?; find {_timur.Root}/full -name '.*' -type d",
        ]);
        Assert.Equal("125\n", outcome.Out);
        Assert.Contains("No space left on device", outcome.Error);
    }

    [Fact]
    public void A_second_rm_at_the_same_time_does_no_harm()
    {
        _timur.Start("twice", "sleep 100");
        Outcome[] outcomes = Enumerable.Range(0, 4).AsParallel().WithDegreeOfParallelism(4).Select(_ => _timur.Run("rm", "-f", "twice")).ToArray();
        Assert.All(outcomes, outcome => Assert.True(outcome.Code is 0 or 1, outcome.ToString()));
        Assert.Equal("everything is as recorded\n", _timur.Run("system", "check").Out);
    }
}
