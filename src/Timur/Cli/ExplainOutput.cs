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
        Console.WriteLine($"command       {string.Join(' ', process.Args)}");
        Console.WriteLine($"user          {process.UserId}:{process.GroupId} {string.Join(' ', process.AdditionalGroups)}");
        Console.WriteLine($"directory     {process.Cwd}");
        Console.WriteLine($"host name     {spec.Hostname ?? "(this machine's)"}");
        Console.WriteLine($"namespaces    {string.Join(' ', spec.Linux.Namespaces.Select(ns => ns.Path is null ? ns.Type : $"{ns.Type}={ns.Path}"))}");
        if (spec.Linux.UidMappings.Count > 0)
        {
            Console.WriteLine($"user ids      {Ranges(spec.Linux.UidMappings)}");
            Console.WriteLine($"group ids     {Ranges(spec.Linux.GidMappings)}");
        }

        foreach ((string clock, (long seconds, _)) in spec.Linux.TimeOffsets)
        {
            Console.WriteLine($"clock         {clock} {seconds:+0;-0} s");
        }

        Console.WriteLine($"capabilities  {string.Join(' ', process.Capabilities?.Effective.Select(name => name[4..].ToLowerInvariant()) ?? [])}");
        Console.WriteLine($"no new privs  {process.NoNewPrivileges}");
        Console.WriteLine($"seccomp       {(spec.Linux.Seccomp is { } profile ? $"{profile.DefaultAction}, {profile.Syscalls.Sum(rule => rule.Names.Count)} calls named" : "unconfined")}");
        Console.WriteLine($"cgroup        {spec.Linux.CgroupsPath}");
        foreach ((string name, string? value) in Limits(spec.Linux.Resources!))
        {
            if (value is not null)
            {
                Console.WriteLine($"  {name,-12}{value}");
            }
        }

        Console.WriteLine("mounts");
        foreach (MountSpec mount in spec.Mounts)
        {
            Console.WriteLine($"  {mount.Destination,-20} {mount.Type,-8} {mount.Source,-12} {string.Join(',', mount.Options)}");
        }

        Console.WriteLine($"hidden        {string.Join(' ', spec.Linux.MaskedPaths)}");
        Console.WriteLine($"read-only     {(spec.Root!.Readonly ? "/ " : "")}{string.Join(' ', spec.Linux.ReadonlyPaths)}");
        Console.WriteLine($"launch program, {program.Count} operations between clone({program.Flags}) and execve");
        for (int i = 0; i < program.Count; i++)
        {
            Console.WriteLine($"  {i,3}  {program.NameOf(i)}");
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
