using System.Text.Json;
using System.Text.Json.Nodes;
using Timur.Kernel;
using Timur.State;

namespace Timur.Images.Registry.Credentials;

/// <summary>
/// Stored credentials: containers-auth.json(5) and Docker's config.json, which have the same form. Read in order: REGISTRY_AUTH_FILE, or the session's
/// auth.json, the user's own, Docker's; written to the first.
/// </summary>
public sealed class CredentialStore
{
    /// <summary>How Docker names Docker Hub in its files.</summary>
    private const string DockerHubKey = "https://index.docker.io/v1/";
    private readonly string[] _files;

    /// <param name="file">The one file that counts, or null for the usual ones.</param>
    public CredentialStore(string? file)
    {
        string? given = file ?? Environment.GetEnvironmentVariable("REGISTRY_AUTH_FILE");
        string home = Environment.GetEnvironmentVariable("HOME") ?? "/";
        string run = Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR") is { Length: > 0 } session ? session + "/containers" : $"/run/containers/{Processes.EffectiveUser}";
        string docker = Environment.GetEnvironmentVariable("DOCKER_CONFIG") ?? home + "/.docker";
        _files = given is { Length: > 0 } ? [given]
            : [run + "/auth.json", $"{Environment.GetEnvironmentVariable("XDG_CONFIG_HOME") ?? home + "/.config"}/containers/auth.json", docker + "/config.json"];
    }

    /// <summary>Where <see cref="Store"/> writes.</summary>
    public string File => _files[0];

    /// <summary>The credentials for a registry, or null.</summary>
    public Credential? Find(string registry)
    {
        foreach (string file in _files)
        {
            if (Read(file) is not { } root)
            {
                continue;
            }

            if (HelperOf(root, registry) is { } helper && new CredentialHelper(helper).Get(KeyForHelper(registry)) is { } helped)
            {
                return helped;
            }

            if (Entry(root["auths"] as JsonObject, registry) is { } entry && FromEntry(entry) is { } found)
            {
                return found;
            }
        }

        return null;
    }

    /// <summary>Keeps credentials, in the helper that the file names or in the file itself, readable by its owner only.</summary>
    public void Store(string registry, Credential credential)
    {
        using FileLock held = Lock();
        JsonObject root = Read(File) ?? [];
        if (HelperOf(root, registry) is { } helper)
        {
            new CredentialHelper(helper).Store(KeyForHelper(registry), credential);
            return;
        }

        if (root["auths"] is not JsonObject auths)
        {
            root["auths"] = auths = [];
        }

        auths[registry] = new JsonObject { ["auth"] = JsonValue.Create(credential.ToBase64()) };
        Write(root);
    }

    /// <summary>Forgets credentials; false when there were none.</summary>
    public bool Erase(string registry)
    {
        using FileLock held = Lock();
        JsonObject root = Read(File) ?? [];
        bool erased = HelperOf(root, registry) is { } helper && new CredentialHelper(helper).Erase(KeyForHelper(registry));
        if (root["auths"] is JsonObject auths)
        {
            foreach (string key in auths.Select(pair => pair.Key).Where(key => Host(key) == registry).ToList())
            {
                auths.Remove(key);
                erased = true;
            }
        }

        if (erased)
        {
            Write(root);
        }

        return erased;
    }

    /// <summary>Forgets all credentials of the file and of the helpers that it names; the registries they were for.</summary>
    public IReadOnlyList<string> EraseAll()
    {
        using FileLock held = Lock();
        JsonObject root = Read(File) ?? [];
        var erased = new SortedSet<string>(StringComparer.Ordinal);
        foreach (string helper in ((root["credHelpers"] as JsonObject)?.Select(pair => Text(pair.Value)) ?? []).Append(Text(root["credsStore"])).OfType<string>().Distinct())
        {
            // A helper may keep more than this file gives it.
            var program = new CredentialHelper(helper);
            erased.UnionWith(program.List().Where(server => HelperOf(root, Host(server)) == helper && program.Erase(server)).Select(Host));
        }

        if (root["auths"] is JsonObject { Count: > 0 } auths)
        {
            erased.UnionWith(auths.Select(pair => Host(pair.Key)));
            auths.Clear();
            Write(root);
        }

        return [.. erased];
    }

    /// <summary>The key without scheme and path: <c>https://index.docker.io/v1/</c> is docker.io.</summary>
    private static string Host(string key)
    {
        string rest = key[(key.IndexOf("://", StringComparison.Ordinal) is var at and >= 0 ? at + 3 : 0)..];
        string host = rest.Split('/')[0];
        return host is "index.docker.io" or "registry-1.docker.io" ? "docker.io" : host;
    }

    private static string KeyForHelper(string registry) => registry == "docker.io" ? DockerHubKey : registry;

    private static string? HelperOf(JsonObject root, string registry)
        => Text((root["credHelpers"] as JsonObject)?[registry]) ?? Text((root["credHelpers"] as JsonObject)?[KeyForHelper(registry)]) ?? Text(root["credsStore"]);

    private static JsonObject? Entry(JsonObject? auths, string registry)
        => auths?[registry] as JsonObject ?? auths?.FirstOrDefault(pair => Host(pair.Key) == registry).Value as JsonObject;

    private static Credential? FromEntry(JsonObject entry)
    {
        Credential? credential = Text(entry["auth"]) is { Length: > 0 } auth ? Credential.FromBase64(auth)
            : Text(entry["username"]) is { Length: > 0 } user ? new Credential(user, Text(entry["password"])) : null;
        return Text(entry["identitytoken"]) is { Length: > 0 } token ? new Credential(credential?.User ?? "", credential?.Password, token) : credential;
    }

    private static string? Text(JsonNode? node) => node is JsonValue value && value.TryGetValue(out string? text) ? text : null;

    private static JsonObject? Read(string file)
    {
        if (Files.TryReadAll(file, out Errno why) is not { } bytes)
        {
            return why is Errno.ENOENT or Errno.ENOTDIR or Errno.EACCES ? null : throw new SyscallException("read", why, file);
        }

        try
        {
            return bytes.AsSpan().Trim(" \t\r\n"u8).IsEmpty ? [] : JsonNode.Parse(bytes) as JsonObject ?? throw new JsonException();
        }
        catch (JsonException e)
        {
            throw new Failure($"{file} isn't a JSON object, so its credentials can't be read", "mend or remove it, or name another with --authfile", cause: e);
        }
    }

    private FileLock Lock()
    {
        try
        {
            Directories.Create(Path.GetDirectoryName(Path.GetFullPath(File))!, 0x1C0);
            return FileLock.Take($"{File}.lock");
        }
        catch (SyscallException e) when (e.Errno is Errno.EACCES or Errno.EPERM)
        {
            // Below /run where the user has no session, as after su or in a job.
            throw new Failure($"credentials can't be kept in {File}: {e.Errno.Describe()}", "name a file of your own: --authfile FILE, or the variable REGISTRY_AUTH_FILE", cause: e);
        }
    }

    private void Write(JsonObject root)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true, Encoder = PlainJsonEncoder.Options.Encoder }))
        {
            root.WriteTo(json);
        }

        AtomicFile.Write(File, stream.ToArray(), 0x180, durable: true);
    }
}
