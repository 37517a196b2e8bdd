using System.Text.Json.Nodes;

namespace Timur.SystemTests;

/// <summary>A bundle of busybox and the OCI runtime that runs it: ours, or runc as the control. Disposing deletes its containers.</summary>
internal sealed class OciBundle : IDisposable
{
    internal const string Ours = "timur";
    internal const string Control = "runc";

    private static readonly string[] Applets =
    [
        "sh", "true", "false", "sleep", "cat", "ls", "id", "env", "mount", "ps", "echo", "stat", "hostname", "touch", "test", "dd", "grep", "pwd", "tty", "readlink", "head", "ln", "mkdir", "rm",
        "mv", "wc", "umask", "kill", "chmod", "umount", "mknod", "nsenter", "date", "uname", "chrt", "ionice", "taskset", "tr", "cut", "sort", "seq",
    ];

    private static int _next;

    private readonly string _runtime;
    private readonly List<string> _ids = [];

    internal OciBundle(string runtime = Ours)
    {
        _runtime = runtime;
        Directory = System.IO.Directory.CreateTempSubdirectory("timur-oci-").FullName;
        System.IO.Directory.CreateDirectory(Root + "/bin");
        System.IO.Directory.CreateDirectory(Root + "/etc");
        System.IO.Directory.CreateDirectory(Root + "/tmp");
        File.Copy(File.Exists("/bin/busybox") ? "/bin/busybox" : "/usr/bin/busybox", Root + "/bin/busybox");
        foreach (string applet in Applets)
        {
            File.CreateSymbolicLink($"{Root}/bin/{applet}", "busybox");
        }

        File.WriteAllText(Root + "/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n");
        Outcome written = Execute("spec", "--bundle", Directory);
        if (written.Code != 0)
        {
            throw new InvalidOperationException(written.ToString());
        }

        Config = JsonNode.Parse(File.ReadAllText(Directory + "/config.json"))!.AsObject();
        Process["terminal"] = false;
        Config["root"]!["readonly"] = false;
        Linux["cgroupsPath"] = CgroupPath;
    }

    internal string Directory { get; }

    internal string Root => Directory + "/rootfs";

    internal JsonObject Config { get; }

    internal JsonObject Process => Config["process"]!.AsObject();

    internal JsonObject Linux => Config["linux"]!.AsObject();

    internal string CgroupPath => "/timur-oci/" + System.IO.Path.GetFileName(Directory);

    /// <summary>Where the runtime keeps its state.</summary>
    internal string State => Directory + "/state";

    /// <summary>An id that no other container of this machine has.</summary>
    internal string NewId()
    {
        string id = $"timur-test-{Environment.ProcessId}-{Interlocked.Increment(ref _next)}";
        _ids.Add(id);
        return id;
    }

    /// <summary>The command of the container, by a shell.</summary>
    internal OciBundle Shell(string script)
    {
        Process["args"] = new JsonArray("sh", "-c", script);
        return this;
    }

    internal OciBundle Command(params string[] words)
    {
        Process["args"] = new JsonArray([.. words.Select(word => (JsonNode)word)]);
        return this;
    }

    internal OciBundle Mount(string destination, string type, string source, params string[] options)
    {
        Config["mounts"]!.AsArray().Add(new JsonObject
        {
            ["destination"] = destination, ["type"] = type, ["source"] = source, ["options"] = new JsonArray([.. options.Select(option => (JsonNode)option)]),
        });
        return this;
    }

    internal OciBundle WithoutNamespace(string type)
    {
        JsonArray namespaces = Linux["namespaces"]!.AsArray();
        foreach (JsonNode? ns in namespaces.ToArray())
        {
            if (ns!["type"]!.GetValue<string>() == type)
            {
                namespaces.Remove(ns);
            }
        }

        return this;
    }

    internal OciBundle Namespace(string type, string? path = null)
    {
        WithoutNamespace(type);
        var ns = new JsonObject { ["type"] = type };
        if (path is not null)
        {
            ns["path"] = path;
        }

        Linux["namespaces"]!.AsArray().Add(ns);
        return this;
    }

    internal OciBundle Hook(string kind, string script, int? timeout = null)
    {
        Config["hooks"] ??= new JsonObject();
        JsonObject hooks = Config["hooks"]!.AsObject();
        hooks[kind] ??= new JsonArray();
        var hook = new JsonObject { ["path"] = kind == "startContainer" ? "/bin/sh" : "/bin/sh", ["args"] = new JsonArray("sh", "-c", script) };
        if (timeout is { } seconds)
        {
            hook["timeout"] = seconds;
        }

        hooks[kind]!.AsArray().Add(hook);
        return this;
    }

    /// <summary>Each capability in every set but ambient.</summary>
    internal OciBundle Capabilities(params string[] names)
    {
        JsonArray Names() => [.. names.Select(name => (JsonNode)name)];
        Process["capabilities"] = new JsonObject { ["bounding"] = Names(), ["effective"] = Names(), ["permitted"] = Names() };
        return this;
    }

    internal void Save() => File.WriteAllText(Directory + "/config.json", Config.ToJsonString());

    /// <summary>Writes the configuration and runs it in the foreground.</summary>
    internal Outcome Run(params string[] options)
    {
        Save();
        return Execute(["run", "--bundle", Directory, .. options, NewId()]);
    }

    /// <summary>Creates a container; its id. Its output goes to the file <c>output</c> of the bundle's directory.</summary>
    internal string Create(params string[] options)
    {
        Save();
        string id = NewId();
        Outcome created = TryCreate(id, options);
        return created.Code == 0 ? id : throw new InvalidOperationException(created.ToString());
    }

    /// <summary>A container would hold the pipes of a test's own process open: its streams are files.</summary>
    internal Outcome TryCreate(string id, params string[] options)
        => TimurCommand.Execute("sh", ["-c", $"exec {Words} create --bundle {Directory} {string.Join(' ', options)} {id} </dev/null >{Directory}/output 2>{Directory}/errors"]) is var outcome
            ? outcome with { Error = File.ReadAllText(Directory + "/errors") } : throw new InvalidOperationException();

    internal string Output => File.ReadAllText(Directory + "/output");

    /// <summary>Creates and starts.</summary>
    internal string Start(params string[] options)
    {
        string id = Create(options);
        Outcome started = Execute("start", id);
        return started.Code == 0 ? id : throw new InvalidOperationException(started.ToString());
    }

    internal string Status(string id) => StateOf(id)["status"]!.GetValue<string>();

    internal JsonNode StateOf(string id) => JsonNode.Parse(Execute("state", id).Out)!;

    internal bool Await(string id, string status) => SpinWait.SpinUntil(() => Status(id) == status, 60_000);

    /// <summary>The words before a verb, for a shell.</summary>
    internal string Words => $"{(_runtime == Ours ? TimurCommand.Path + " oci" : _runtime)} --root {State}";

    internal Outcome Execute(params string[] words) => Execute([], words);

    /// <summary>New limits as JSON, from standard input.</summary>
    internal Outcome Update(string id, string resources) => TimurCommand.Execute("sh", ["-c", $"exec {Words} update --resources - {id}"], resources);

    internal Outcome Execute(string[] global, string[] words)
        => _runtime == Ours ? TimurCommand.Execute(TimurCommand.Path, ["oci", "--root", State, .. global, .. words]) : TimurCommand.Execute(_runtime, ["--root", State, .. global, .. words]);

    public void Dispose()
    {
        foreach (string id in _ids)
        {
            Execute("delete", "--force", id);
        }

        foreach (string hierarchy in System.IO.Directory.GetDirectories("/sys/fs/cgroup").Append("/sys/fs/cgroup"))
        {
            foreach (string path in new[] { hierarchy + CgroupPath, hierarchy + "/timur-oci" }.Where(System.IO.Directory.Exists))
            {
                Kernel.Directories.TryRemove(path, out _);
            }
        }

        System.IO.Directory.Delete(Directory, recursive: true);
    }
}
