using System.Text;
using Timur.Kernel;
using Timur.Kernel.Launcher;
using Timur.Oci;

namespace Timur.Runtime.Containers;

/// <summary>What hooks that run in a container's namespaces need beside the record.</summary>
/// <param name="Process">The container's first process.</param>
/// <param name="Environment">That of its payload: theirs, when they have none of their own; null is this process's.</param>
/// <param name="Filter">Its seccomp filter, which holds for them, too, or null.</param>
/// <param name="Directory">Their working directory: the container's root, wherever the container sees it by then.</param>
internal sealed record HookPlace(Fd Process, IReadOnlyList<string>? Environment = null, byte[]? Filter = null, string Directory = "/");

/// <summary>Programs that the configuration wants run at points of a container's life (runtime-spec config.md, POSIX-platform Hooks).</summary>
internal static class Hooks
{
    /// <summary>Runs each in order with the state on its standard input; the first that fails ends it with a <see cref="Failure"/>.</summary>
    /// <param name="inside">For hooks that run in the container's namespaces; null runs them in the runtime's.</param>
    internal static void Run(string kind, IReadOnlyList<HookSpec> hooks, ContainerRecord record, OciStatus status, HookPlace? inside = null)
    {
        for (int i = 0; i < hooks.Count; i++)
        {
            RunOne($"{kind} hook #{i}", hooks[i], record, StateJson.ForHooks(record, status), inside);
        }
    }

    /// <summary>As <see cref="Run"/>, but a failure is a warning and the others follow: what they are about has happened already.</summary>
    internal static void RunLate(string kind, IReadOnlyList<HookSpec> hooks, ContainerRecord record, OciStatus status, RuntimeLog log)
    {
        for (int i = 0; i < hooks.Count; i++)
        {
            try
            {
                RunOne($"{kind} hook #{i}", hooks[i], record, StateJson.ForHooks(record, status), inside: null);
            }
            catch (Failure e)
            {
                log.Warn(e.Message);
            }
        }
    }

    private static void RunOne(string name, HookSpec hook, ContainerRecord record, byte[] state, HookPlace? inside)
    {
        using Fd input = Descriptors.Memory("hook-state", state);
        using Fd output = Descriptors.Memory("hook-output", []);
        using Launched process = Start(name, hook, record, input, output, inside);
        int limit = hook.TimeoutSeconds is { } seconds ? seconds * 1000 : -1;
        if (!Processes.WaitForEnd(process.Process, limit))
        {
            Processes.TryKill(process.Process, Signals.Kill, out _);
            Processes.TryReap(process.Pid, wait: true, out _);
            throw new Failure($"error running {name}: hook ran past specified timeout of {hook.TimeoutSeconds}.0s", exitCode: 1);
        }

        ProcessEnd end = Processes.TryReap(process.Pid, wait: true, out _) ?? new ProcessEnd(0, false);
        if (end.ShellCode != 0)
        {
            string how = end.Signaled ? $"signal: {SignalWords.Describe(end.Code)}" : $"exit status {end.Code}";
            throw new Failure($"error running {name}: {how}, output: {Said(output)}", exitCode: 1);
        }
    }

    private static Launched Start(string name, HookSpec hook, ContainerRecord record, Fd input, Fd output, HookPlace? inside)
    {
        var program = new LaunchProgram();
        program.ResetSignals();
        if (inside is not null)
        {
            program.NotDumpable();
            program.NeedsParent = (record.Joins & CloneFlags.NewTime) != 0;
            if (record.Joins != CloneFlags.None)
            {
                program.Join("the container", Slot.Extra, record.Joins);
            }
        }

        program.StandardStreams();
        bool isFiltered = inside?.Filter is not null && (record.FilterFlags & IdentityOps.NewListener) == 0;
        bool byImage = inside is not null && PayloadImage.IsSupported && (record.Disguisable || !isFiltered);
        program.CloseDescriptors(0, gate: false, byImage);
        program.WorkingDirectory(inside is null ? record.Bundle : inside.Directory, beforeIds: false);
        IReadOnlyList<string> arguments = hook.Args.Count > 0 ? hook.Args : [hook.Path];
        IReadOnlyList<string> environment = hook.Env.Count > 0 ? hook.Env : inside?.Environment ?? OwnEnvironment.All();
        if (isFiltered)
        {
            program.Seccomp(inside!.Filter, record.FilterFlags);
        }

        if (byImage)
        {
            program.ExecuteByImage([hook.Path], arguments, environment, gate: false);
        }
        else
        {
            program.Execute([hook.Path], arguments, environment);
        }

        using var loaded = new LoadedProgram(program.ToBytes());
        using Fd? processes = inside is null ? null : Files.Open($"/proc/{record.Pid}/ns/pid");
        var slots = new List<(Slot, Fd)> { (Slot.Input, input), (Slot.Output, output), (Slot.Error, output) };
        if (inside is not null)
        {
            slots.Add((Slot.Extra, inside.Process));
        }

        using Fd? image = program.Image is { } bytes ? PayloadImage.Make(bytes) : null;
        if (image is not null)
        {
            slots.Add((Slot.Image, image));
        }

        try
        {
            return Launching.Start(new LaunchRequest(loaded) { Slots = slots, ProcessNamespace = processes });
        }
        catch (LaunchException e)
        {
            throw new Failure($"error running {name}: {program.NameOf(e.Operation)}: {e.Errno.Describe().ToLowerInvariant()}", "check the hook's path and that it may be executed", 1);
        }
    }

    /// <summary>What it printed, on both streams; the last of it when it is long.</summary>
    private static string Said(Fd output)
    {
        const int most = 4096;
        string text = Encoding.UTF8.GetString(Files.TryReadAll(output.ProcPath, out _) ?? []).Trim();
        return text.Length <= most ? text : text[^most..];
    }
}
