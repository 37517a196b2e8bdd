using System.Globalization;
using Timur.CommandLine;
using Timur.Kernel;
using Timur.Kernel.Launcher;
using Timur.Oci;
using Timur.Runtime.Containers;

namespace Timur.Cli.Oci;

/// <summary><c>exec</c>: a process from a file, or the container's own with another command.</summary>
internal static class ExecCommand
{
    internal static Option[] Options { get; } =
    [
        Option.Value("process", "FILE", "the process as JSON (config.md, Process)", 'p'),
        Option.Value("cwd", "DIR", "working directory"),
        Option.List("env", "NAME=VALUE", "environment variable", 'e'),
        Option.Flag("tty", "give it a terminal", 't'),
        Option.Value("user", "UID[:GID]", "user and group", 'u'),
        Option.List("additional-gids", "GID", "further group", 'g'),
        Option.List("cap", "CAPABILITY", "further capability", 'c'),
        Option.Flag("no-new-privs", "no new privileges"),
        Option.Value("apparmor", "PROFILE", "AppArmor profile"),
        Option.Value("process-label", "LABEL", "SELinux label"),
        Option.Flag("detach", "leave when it runs", 'd'),
        Option.Value("console-socket", "SOCKET", "a Unix socket that gets the terminal"),
        Option.Value("pid-file", "FILE", "a file that gets the process's id"),
        Option.Value("pidfd-socket", "SOCKET", "a Unix socket that gets a descriptor of the process"),
        Option.Value("preserve-fds", "N", "pass N descriptors from 3 on, beside those that LISTEN_FDS counts"),
        Option.List("cgroup", "[CONTROLLERS:]PATH", "a cgroup below the container's, for all controllers or some"),
        Option.Flag("ignore-paused", "start it even in a paused container"),
        Option.Flag("no-subreaper", "ignored"),
    ];

    internal static int Run(OciContext context, Arguments arguments)
    {
        bool detach = arguments.Has("detach");
        int sockets = PassedSockets.Count();
        var options = new ExecOptions
        {
            ConsoleSocket = arguments.Text("console-socket") is { Length: > 0 } socket ? socket : null,
            PidFile = arguments.Text("pid-file") is { Length: > 0 } file ? file : null,
            PidFdSocket = arguments.Text("pidfd-socket") is { Length: > 0 } descriptor ? descriptor : null,
            PreservedDescriptors = sockets + OciValues.Count(arguments, "preserve-fds"),
            Sockets = sockets,
            Cgroups = arguments.Texts("cgroup"),
            IgnorePaused = arguments.Has("ignore-paused"),
        };
        OciContainer container = context.Root.Find(arguments.Operands[0]);
        ProcessSpec process = arguments.Text("process") is { Length: > 0 } path ? SpecJson.ReadProcess(Files.ReadAll(path), path) : FromContainer(container, arguments);
        CreateCommand.RequireConsoleSocket(process.Terminal, options.ConsoleSocket, detach);
        Entering.Protect(Disguise.Suffices(container.Record));
        var executing = new Executing(context.Log);
        using Launched launched = executing.Start(container, process, options);
        return detach ? 0 : Foreground.Wait(launched, executing.Terminal);
    }

    private static ProcessSpec FromContainer(OciContainer container, Arguments arguments)
    {
        if (arguments.Operands.Count < 2)
        {
            throw new Failure("exec args cannot be empty", "timur oci exec ID COMMAND", 1);
        }

        ProcessSpec process = container.ReadProcess();
        CapabilitiesSpec sets = process.Capabilities ?? new CapabilitiesSpec();
        IReadOnlyList<string> further = arguments.Texts("cap");
        process = process with
        {
            Terminal = arguments.Has("tty"),
            ConsoleHeight = 0,
            ConsoleWidth = 0,
            Args = [.. arguments.Operands.Skip(1)],
            Cwd = arguments.Text("cwd") is { Length: > 0 } cwd ? cwd : process.Cwd,
            Env = [.. process.Env, .. arguments.Texts("env")],
            NoNewPrivileges = process.NoNewPrivileges || arguments.Has("no-new-privs"),
            ApparmorProfile = arguments.Text("apparmor") is { Length: > 0 } profile ? profile : process.ApparmorProfile,
            SelinuxLabel = arguments.Text("process-label") is { Length: > 0 } label ? label : process.SelinuxLabel,
            AdditionalGroups = [.. process.AdditionalGroups, .. arguments.Texts("additional-gids").Select(group => Id(group, "--additional-gids"))],
            Capabilities = further.Count == 0 ? sets : sets with
            {
                // Not inheritable ones: those would survive into programs that shouldn't have them (CVE-2022-29162). Ambient are what is inheritable already.
                Bounding = [.. sets.Bounding, .. further], Effective = [.. sets.Effective, .. further], Permitted = [.. sets.Permitted, .. further],
                Ambient = sets.Inheritable.Count > 0 ? [.. sets.Ambient, .. further] : sets.Ambient,
            },
        };
        return arguments.Text("user") is { Length: > 0 } user ? WithUser(process, user) : process;
    }

    private static ProcessSpec WithUser(ProcessSpec process, string user)
    {
        string[] parts = user.Split(':', 2);
        return process with { UserId = Id(parts[0], "--user"), GroupId = parts.Length > 1 ? Id(parts[1], "--user") : process.GroupId };
    }

    private static uint Id(string text, string option)
        => uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out uint id) && id != uint.MaxValue
            ? id : throw new Failure($"{option}: '{text}' isn't a number from 0 to {uint.MaxValue - 1}", "give ids, not names", 1);
}
