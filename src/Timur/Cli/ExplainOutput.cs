using Timur.Engine;
using Timur.Kernel.Launcher;
using Timur.Oci;

namespace Timur.Cli;

/// <summary><c>--explain</c>: the plan of a container, for reading.</summary>
internal static class ExplainOutput
{
    internal static int Print(ContainerStart start, RunOptions options)
    {
        LaunchProgram program = start.Explain(options, out Spec spec);
        ProcessSpec process = spec.Process!;
        CommandContext.Line($"command       {string.Join(' ', process.Args)}");
        CommandContext.Line($"user          {process.UserId}:{process.GroupId} {string.Join(' ', process.AdditionalGroups)}");
        CommandContext.Line($"directory     {process.Cwd}");
        CommandContext.Line($"host name     {spec.Hostname ?? "(this machine's)"}");
        CommandContext.Line($"namespaces    {string.Join(' ', spec.Linux.Namespaces.Select(ns => ns.Path is null ? ns.Type : $"{ns.Type}={ns.Path}"))}");
        if (spec.Linux.UidMappings.Count > 0)
        {
            CommandContext.Line($"user ids      {Ranges(spec.Linux.UidMappings)}");
            CommandContext.Line($"group ids     {Ranges(spec.Linux.GidMappings)}");
        }

        foreach ((string clock, (long seconds, _)) in spec.Linux.TimeOffsets)
        {
            CommandContext.Line($"clock         {clock} {seconds:+0;-0} s");
        }

        CommandContext.Line($"capabilities  {string.Join(' ', process.Capabilities?.Effective.Select(name => name[4..].ToLowerInvariant()) ?? [])}");
        CommandContext.Line($"no new privs  {process.NoNewPrivileges}");
        CommandContext.Line($"seccomp       {(spec.Linux.Seccomp is { } profile ? $"{profile.DefaultAction}, {profile.Syscalls.Sum(rule => rule.Names.Count)} calls named" : "unconfined")}");
        CommandContext.Line($"cgroup        {spec.Linux.CgroupsPath}");
        foreach ((string name, string? value) in Limits(spec.Linux.Resources!))
        {
            if (value is not null)
            {
                CommandContext.Line($"  {name,-12}{value}");
            }
        }

        CommandContext.Line("mounts");
        foreach (MountSpec mount in spec.Mounts)
        {
            CommandContext.Line($"  {mount.Destination,-20} {mount.Type,-8} {mount.Source,-12} {string.Join(',', mount.Options)}");
        }

        CommandContext.Line($"hidden        {string.Join(' ', spec.Linux.MaskedPaths)}");
        CommandContext.Line($"read-only     {(spec.Root!.Readonly ? "/ " : "")}{string.Join(' ', spec.Linux.ReadonlyPaths)}");
        CommandContext.Line($"launch program, {program.Count} operations between clone({program.Flags}) and execve");
        for (int i = 0; i < program.Count; i++)
        {
            int next = program.AfterSuccessOf(i);
            CommandContext.Line($"  {i,3}  {program.NameOf(i)}{(next == i + 1 ? "" : $" (then {next})")}");
        }

        return 0;
    }

    private static string Ranges(IReadOnlyList<IdMapping> ranges)
        => string.Join(", ", ranges.Select(range => $"{range.ContainerId} to {range.ContainerId + range.Size - 1} are {range.HostId} to {range.HostId + range.Size - 1} outside"));

    private static IEnumerable<(string Name, string? Value)> Limits(LinuxResources resources) =>
    [
        ("memory", resources.Memory.Limit is { } limit ? new ByteSize(limit).ToString() : null),
        ("with swap", resources.Memory.Swap is { } swap ? (swap < 0 ? "unlimited" : new ByteSize(swap).ToString()) : null),
        ("cpu quota", resources.Cpu.Quota is { } quota ? $"{quota} of {resources.Cpu.Period} microseconds" : null),
        ("cpu shares", resources.Cpu.Shares?.ToString()),
        ("cpus", resources.Cpu.Cpus),
        ("processes", resources.PidsLimit?.ToString()),
        ("devices", $"{resources.Devices.Count} rules"),
    ];
}
