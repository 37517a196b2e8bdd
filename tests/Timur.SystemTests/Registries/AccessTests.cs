using Xunit;

namespace Timur.SystemTests.Registries;

/// <summary>Who may pull and push, and how the registry is known to be the right one.</summary>
public sealed class AccessTests : IDisposable
{
    private readonly TimurCommand _timur = new();
    private readonly string _auth;

    public AccessTests() => _auth = _timur.Root + "/auth.json";

    public void Dispose() => _timur.Dispose();

    [Fact]
    public void A_registry_with_passwords_wants_a_login_first_and_none_after_logout()
    {
        using RegistryServer registry = WithPasswords();
        SampleImage sample = Push(registry, "private:1");
        string name = $"{registry.Host}/private:1";
        Outcome anonymous = _timur.Run("pull", "--authfile", _auth, name);
        Assert.True(anonymous.Code == 125 && anonymous.Error.Contains($"log in: timur login {registry.Host}", StringComparison.Ordinal), anonymous.ToString());
        Outcome wrong = Login(registry, "wrong");
        Assert.True(wrong.Code == 125 && wrong.Error.Contains("doesn't know this user name and password", StringComparison.Ordinal), wrong.ToString());
        Assert.False(File.Exists(_auth));
        Outcome loggedIn = Login(registry, "secret");
        Assert.True(loggedIn is { Code: 0, Out: "Login Succeeded!\n" } && loggedIn.Error.Contains(_auth, StringComparison.Ordinal), loggedIn.ToString());
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_auth));
        Assert.Equal("anna\n", _timur.Run("login", "--get-login", "--authfile", _auth, registry.Host).Out);
        Assert.Equal(sample.Id + "\n", _timur.Run("pull", "-q", "--authfile", _auth, name).Out);
        Assert.Equal(sample.ManifestDigest + "\n", _timur.Run("push", "-q", "--authfile", _auth, name, $"{registry.Host}/private:2").Out);
        Assert.Equal(0, TimurCommand.Execute("skopeo", ["inspect", "--tls-verify=false", "--authfile", _auth, $"docker://{registry.Host}/private:2"]).Code);
        Assert.Equal(0, _timur.Run("logout", "--authfile", _auth, registry.Host).Code);
        Assert.DoesNotContain("YW5uYT", File.ReadAllText(_auth));
        Assert.Equal(1, _timur.Run("logout", "--authfile", _auth, registry.Host).Code);
        Assert.Equal(125, _timur.Run("push", "--authfile", _auth, name, $"{registry.Host}/private:3").Code);
        Assert.Equal(0, _timur.Run("pull", "-q", "--creds", "anna:secret", name).Code);
    }

    [Fact]
    public void What_skopeo_and_others_keep_in_an_auth_file_is_read_and_left_alone()
    {
        using RegistryServer registry = WithPasswords();
        Push(registry, "private:1");
        Assert.Equal(0, TimurCommand.Execute("skopeo", ["login", "--tls-verify=false", "--authfile", _auth, "-u", "anna", "-p", "secret", registry.Host]).Code);
        Assert.Equal(0, _timur.Run("pull", "-q", "--authfile", _auth, $"{registry.Host}/private:1").Code);
        File.WriteAllText(_auth, $$"""{"HttpHeaders":{"x":"y"},"auths":{"other.example":{"auth":"Ym9iOng="} ,"https://{{registry.Host}}/v1/":{"auth":"YW5uYTpzZWNyZXQ="} } }""");
        Assert.Equal(0, _timur.Run("pull", "-q", "--authfile", _auth, $"{registry.Host}/private:1").Code);
        Assert.Equal(0, _timur.Run("logout", "--authfile", _auth, registry.Host).Code);
        Assert.Contains("\"x\": \"y\"", File.ReadAllText(_auth));
        Assert.Contains("Ym9iOng=", File.ReadAllText(_auth));
    }

    [Fact]
    public void A_credential_helper_is_asked_and_told()
    {
        using RegistryServer registry = WithPasswords();
        Push(registry, "private:1");
        Directory.CreateDirectory(_timur.Root + "/bin");
        string kept = _timur.Root + "/kept";
        File.WriteAllText(_timur.Root + "/bin/docker-credential-test", $$"""
            #!/bin/sh
            case "$1" in
            store) cat >{{kept}} ;;
            get) read -r server; [ -e {{kept}} ] || { echo "credentials not found in native keychain"; exit 1; }; cat {{kept}} ;;
            erase) cat >/dev/null; rm {{kept}} ;;
            esac
            """);
        File.SetUnixFileMode(_timur.Root + "/bin/docker-credential-test", (UnixFileMode)0x1ED);
        File.WriteAllText(_auth, $$"""{"credHelpers":{"{{registry.Host}}":"test"} }""");
        Assert.Equal(125, WithHelper($"pull -q --authfile {_auth} {registry.Host}/private:1").Code);
        Assert.Equal(0, WithHelper($"login --authfile {_auth} -u anna -p secret {registry.Host}").Code);
        Assert.Contains("\"Username\":\"anna\"", File.ReadAllText(kept));
        Assert.DoesNotContain("auths", File.ReadAllText(_auth));
        Outcome pulled = WithHelper($"pull -q --authfile {_auth} {registry.Host}/private:1");
        Assert.True(pulled.Code == 0, pulled.ToString());
        Assert.Equal(0, WithHelper($"logout --authfile {_auth} {registry.Host}").Code);
        Assert.False(File.Exists(kept));
    }

    [Fact]
    public void Every_login_is_forgotten_at_once_those_of_helpers_too()
    {
        Directory.CreateDirectory(_timur.Root + "/bin");
        string kept = Directory.CreateDirectory(_timur.Root + "/kept").FullName;
        foreach (string server in (string[])["one.example", "https:%%index.docker.io%v1%", "foreign.example"])
        {
            File.WriteAllText($"{kept}/{server}", "");
        }

        File.WriteAllText(_timur.Root + "/bin/docker-credential-many", $$"""
            #!/bin/sh
            cd {{kept}}
            case "$1" in
            list) echo "{$(ls | sed 's/%/\//g; s/.*/"&":"anna"/' | paste -sd,)}" ;;
            erase) read -r server; rm "$(echo "$server" | sed 's/\//%/g')" ;;
            esac
            """);
        File.SetUnixFileMode(_timur.Root + "/bin/docker-credential-many", (UnixFileMode)0x1ED);
        File.WriteAllText(_auth, """{"auths":{"two.example":{"auth":"YW5uYTpzZWNyZXQ="},"three.example:5000":{"auth":"YW5uYTpzZWNyZXQ="}},"credHelpers":{"one.example":"many","docker.io":"many"},"x":1}""");
        Outcome forgotten = WithHelper($"logout --all --authfile {_auth}");
        Assert.True(forgotten.Code == 0, forgotten.ToString());
        Assert.Equal(["docker.io: forgotten", "one.example: forgotten", "three.example:5000: forgotten", "two.example: forgotten"], forgotten.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal));
        Assert.Equal(["foreign.example"], Directory.GetFiles(kept).Select(Path.GetFileName));
        Assert.DoesNotContain("YW5uYT", File.ReadAllText(_auth));
        Assert.Contains("\"many\"", File.ReadAllText(_auth));
        Assert.Equal((0, ""), WithHelper($"logout -a --authfile {_auth}") is var again ? (again.Code, again.Error) : default);
        Assert.Contains("takes no name", WithHelper($"logout --all --authfile {_auth} two.example").Error);
        File.WriteAllText(_timur.Root + "/bin/docker-credential-many", "#!/bin/sh\necho '[]'\n");
        Outcome wrong = WithHelper($"logout --all --authfile {_auth}");
        Assert.True(wrong.Code == 125 && wrong.Error.Contains("docker-credential-many list", StringComparison.Ordinal), wrong.ToString());
    }

    [Theory]
    [InlineData("exit 3", "docker-credential-bad get ended with exit code 3")]
    [InlineData("cat >/dev/null; echo the keychain is locked; exit 1", "the keychain is locked")]
    [InlineData("cat >/dev/null; echo no json", "its answer isn't what the protocol says")]
    [InlineData("cat >/dev/null; echo '[1]'", "its answer isn't what the protocol says")]
    [InlineData("cat >/dev/null; echo '{\"Username\":{},\"Secret\":3}'", "its answer isn't what the protocol says")]
    [InlineData("", "which isn't on this machine")]
    public void A_credential_helper_that_fails_is_named(string script, string message)
    {
        Directory.CreateDirectory(_timur.Root + "/bin");
        string helper = _timur.Root + "/bin/docker-credential-bad";
        if (script.Length > 0)
        {
            File.WriteAllText(helper, $"#!/bin/sh\n{script}\n");
            File.SetUnixFileMode(helper, (UnixFileMode)0x1ED);
        }

        using RegistryServer registry = WithPasswords();
        File.WriteAllText(_auth, "{\"credsStore\":\"bad\"}");
        Outcome pulled = WithHelper($"pull -q --authfile {_auth} {registry.Host}/private:1");
        Assert.True(pulled.Code == 125 && pulled.Error.Contains(message, StringComparison.Ordinal) && !pulled.Error.Contains("   at ", StringComparison.Ordinal), pulled.ToString());
    }

    [Fact]
    public void Tokens_are_got_for_what_is_done_and_used_until_they_are_refused()
    {
        using var tokens = new TokenServer(_timur.Root);
        using var registry = new RegistryServer(_timur.Root + "/registry", more: tokens.Section);
        SampleImage sample = Push(registry, "team/app:1");
        using var proxy = new FaultProxy(registry.Host);
        int before = tokens.Requests.Count;
        Outcome pulled = _timur.Run("pull", "-q", "--creds", "anna:secret", $"{proxy.Host}/team/app:1");
        Assert.True(pulled.Code == 0, pulled.ToString());
        TestRequest asked = Assert.Single(tokens.Requests.Skip(before));
        Assert.Contains("scope=repository%3Ateam%2Fapp%3Apull", asked.Target);
        Outcome wrong = _timur.Run("pull", "-q", "--creds", "anna:wrong", $"{proxy.Host}/team/app:1");
        Assert.True(wrong.Code == 125 && wrong.Error.Contains("user name or password may be wrong", StringComparison.Ordinal), wrong.ToString());

        // In the middle of a push the token is taken for expired, once.
        bool expired = false;
        proxy.Instead = request => request.Method == "PUT" && request.Target.Contains("/blobs/", StringComparison.Ordinal) && !expired && (expired = true)
            ? TestAnswer.Plain(401, "{}", ("WWW-Authenticate", Challenge(tokens))) : null;
        Outcome pushed = _timur.Run("push", "-q", "--creds", "anna:secret", $"{proxy.Host}/team/app:1", $"{proxy.Host}/fresh:1");
        Assert.True(expired && pushed.Code == 0 && pushed.Out == sample.ManifestDigest + "\n", pushed.ToString());
    }

    /// <summary>Layers come only when the token's time is over, which the registry itself doesn't mind: whoever asks for another token beforehand was refused none.</summary>
    [Theory]
    [InlineData(",\"expires_in\":1", true)]
    [InlineData(",\"expires_in\":300", false)]
    [InlineData(",\"expires_in\":0", false)]
    [InlineData(",\"expires_in\":-5", false)]
    [InlineData("", false)]
    public void A_token_is_got_anew_before_it_ends(string lifetime, bool isRenewed)
    {
        using var tokens = new TokenServer(_timur.Root);
        using var registry = new RegistryServer(_timur.Root + "/registry", more: tokens.Section);
        SampleImage sample = Push(registry, "team/app:1");
        using var proxy = new FaultProxy(registry.Host);
        var answers = new List<int>();
        proxy.Spoil = (request, answer) =>
        {
            lock (answers)
            {
                answers.Add(answer.Status);
            }

            if (request.Target.Contains("/manifests/", StringComparison.Ordinal))
            {
                Thread.Sleep(1000);
            }

            return answer;
        };
        tokens.Lifetime = lifetime;
        int before = tokens.Requests.Count;
        Outcome pulled = _timur.Run("pull", "-q", "--creds", "anna:secret", $"{proxy.Host}/team/app:1");
        Assert.True(pulled.Code == 0 && pulled.Out == sample.Id + "\n", pulled.ToString());
        Assert.Equal(isRenewed, tokens.Requests.Count - before > 1);

        // The registry is asked without a token once only, to say where one is to be had.
        Assert.Single(answers, status => status == 401);
    }

    [Fact]
    public void An_identity_token_is_exchanged_for_a_token()
    {
        using var tokens = new TokenServer(_timur.Root);
        using var registry = new RegistryServer(_timur.Root + "/registry", more: tokens.Section);
        Push(registry, "team/app:1");
        File.WriteAllText(_auth, $$"""{"auths":{"{{registry.Host}}":{"auth":"PHRva2VuPjo=","identitytoken":"{{TokenServer.IdentityToken}}"} } }""");
        Outcome pulled = _timur.Run("pull", "-q", "--authfile", _auth, $"{registry.Host}/team/app:1");
        Assert.True(pulled.Code == 0, pulled.ToString());
        Assert.Equal("POST", tokens.Requests[^1].Method);
    }

    [Fact]
    public void A_registry_with_an_unknown_certificate_is_refused_unless_its_authority_is_known()
    {
        TestCertificates.Make(_timur.Root);
        using var registry = new RegistryServer(_timur.Root + "/registry", $"  tls:\n    certificate: {_timur.Root}/server.crt\n    key: {_timur.Root}/server.key\n");
        var sample = new SampleImage(_timur.Root + "/sample");
        sample.Push($"{registry.Host}/app:1", $"--dest-cert-dir={_timur.Root}/certs");
        string name = $"{registry.Host}/app:1";
        Outcome unknown = _timur.Run("pull", "--tls-verify=true", name);
        Assert.True(unknown.Code == 125 && unknown.Error.Contains($"/etc/containers/certs.d/{registry.Host}/ca.crt", StringComparison.Ordinal), unknown.ToString());
        Outcome pulled = _timur.Run("pull", "-q", "--tls-verify", "--cert-dir", _timur.Root + "/certs", name);
        Assert.True(pulled.Code == 0 && pulled.Out == sample.Id + "\n", pulled.ToString());
        Outcome otherName = _timur.Run("pull", "-q", "--tls-verify", "--cert-dir", _timur.Root + "/certs", name.Replace("127.0.0.1", "localhost", StringComparison.Ordinal));
        Assert.Equal(125, otherName.Code);
        Assert.Equal(0, _timur.Run("pull", "-q", "--tls-verify=false", name).Code);
        Assert.Equal(sample.ManifestDigest + "\n", _timur.Run("push", "-q", "--tls-verify", "--cert-dir", _timur.Root + "/certs", name, $"{registry.Host}/copy:1").Out);
    }

    private static string Challenge(TokenServer tokens) => $"Bearer realm=\"{tokens.Section.Split("realm: ")[1].Split('\n')[0]}\",service=\"registry\",scope=\"repository:fresh:pull,push\"";

    private Outcome Login(RegistryServer registry, string password) => TimurCommand.Execute(
        "sh", ["-c", $"echo {password} | {_timur.Words} login --authfile {_auth} -u anna --password-stdin {registry.Host}"]);

    private Outcome WithHelper(string words) => TimurCommand.Execute("sh", ["-c", $"PATH={_timur.Root}/bin:$PATH exec {_timur.Words} {words}"]);

    private RegistryServer WithPasswords()
    {
        Outcome made = TimurCommand.Execute("htpasswd", ["-bcB", "-C", "4", _timur.Root + "/passwords", "anna", "secret"]);
        Assert.True(made.Code == 0, made.ToString());
        return new RegistryServer(_timur.Root + "/registry", more: $"auth:\n  htpasswd:\n    realm: here\n    path: {_timur.Root}/passwords\n");
    }

    private SampleImage Push(RegistryServer registry, string name)
    {
        var sample = new SampleImage(_timur.Root + "/sample");
        sample.Push($"{registry.Host}/{name}", "--dest-tls-verify=false --dest-creds=anna:secret");
        return sample;
    }
}
