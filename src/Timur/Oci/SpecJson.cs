using System.Text.Json;
using Timur.Kernel;

namespace Timur.Oci;

/// <summary>The runtime configuration as JSON (runtime-spec config.md).</summary>
public static partial class SpecJson
{
    /// <summary>Members that are empty are left out.</summary>
    /// <param name="indented">A line for each member, indented by tabs: scripts edit such a file by its lines.</param>
    public static byte[] Write(Spec spec, bool indented = false)
    {
        using var stream = new MemoryStream(16 * 1024);
        using (var json = new Utf8JsonWriter(stream, PlainJsonEncoder.Options with { Indented = indented, IndentCharacter = '\t', IndentSize = 1 }))
        {
            json.WriteStartObject();
            json.WriteString("ociVersion", spec.OciVersion);
            if (spec.Process is { } process)
            {
                Write(json, process);
            }

            if (spec.Root is { } root)
            {
                json.WriteStartObject("root");
                json.WriteString("path", root.Path);
                json.WriteBoolean("readonly", root.Readonly);
                json.WriteEndObject();
            }

            Optional(json, "hostname", spec.Hostname);
            Optional(json, "domainname", spec.Domainname);
            json.WriteStartArray("mounts");
            foreach (MountSpec mount in spec.Mounts)
            {
                json.WriteStartObject();
                json.WriteString("destination", mount.Destination);
                Optional(json, "type", mount.Type);
                Optional(json, "source", mount.Source);
                Texts(json, "options", mount.Options);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            Write(json, spec.Linux);
            json.WriteEndObject();
        }

        return stream.ToArray();
    }

    private static void Write(Utf8JsonWriter json, ProcessSpec process)
    {
        json.WriteStartObject("process");
        json.WriteBoolean("terminal", process.Terminal);
        json.WriteStartObject("user");
        json.WriteNumber("uid", process.UserId);
        json.WriteNumber("gid", process.GroupId);
        Items(json, "additionalGids", process.AdditionalGroups, group => json.WriteNumberValue(group));
        json.WriteEndObject();
        Texts(json, "args", process.Args);
        Texts(json, "env", process.Env);
        json.WriteString("cwd", process.Cwd);
        if (process.Capabilities is { } capabilities)
        {
            json.WriteStartObject("capabilities");
            Texts(json, "bounding", capabilities.Bounding);
            Texts(json, "effective", capabilities.Effective);
            Texts(json, "inheritable", capabilities.Inheritable);
            Texts(json, "permitted", capabilities.Permitted);
            Texts(json, "ambient", capabilities.Ambient);
            json.WriteEndObject();
        }

        Items(json, "rlimits", process.Rlimits, limit =>
        {
            json.WriteStartObject();
            json.WriteString("type", limit.Type);
            json.WriteNumber("soft", limit.Soft);
            json.WriteNumber("hard", limit.Hard);
            json.WriteEndObject();
        });
        json.WriteBoolean("noNewPrivileges", process.NoNewPrivileges);
        Optional(json, "oomScoreAdj", process.OomScoreAdj);
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, LinuxSpec linux)
    {
        json.WriteStartObject("linux");
        json.WriteStartArray("namespaces");
        foreach (NamespaceSpec ns in linux.Namespaces)
        {
            json.WriteStartObject();
            json.WriteString("type", ns.Type);
            Optional(json, "path", ns.Path);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        Items(json, "devices", linux.Devices, device =>
        {
            json.WriteStartObject();
            json.WriteString("path", device.Path);
            json.WriteString("type", device.Type);
            json.WriteNumber("major", device.Major);
            json.WriteNumber("minor", device.Minor);
            Optional(json, "fileMode", device.FileMode);
            json.WriteNumber("uid", device.UserId);
            json.WriteNumber("gid", device.GroupId);
            json.WriteEndObject();
        });
        Optional(json, "cgroupsPath", linux.CgroupsPath);
        if (linux.Resources is { } resources)
        {
            ResourcesJson.Write(json, resources);
        }

        if (linux.Sysctl.Count > 0)
        {
            json.WriteStartObject("sysctl");
            foreach ((string key, string value) in linux.Sysctl)
            {
                json.WriteString(key, value);
            }

            json.WriteEndObject();
        }

        Ranges(json, "uidMappings", linux.UidMappings);
        Ranges(json, "gidMappings", linux.GidMappings);
        if (linux.TimeOffsets.Count > 0)
        {
            json.WriteStartObject("timeOffsets");
            foreach ((string clock, (long seconds, uint nanoseconds)) in linux.TimeOffsets)
            {
                json.WriteStartObject(clock);
                json.WriteNumber("secs", seconds);
                json.WriteNumber("nanosecs", nanoseconds);
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        Optional(json, "rootfsPropagation", linux.RootfsPropagation);
        Texts(json, "maskedPaths", linux.MaskedPaths);
        Texts(json, "readonlyPaths", linux.ReadonlyPaths);
        if (linux.Seccomp is { } seccomp)
        {
            Write(json, seccomp);
        }

        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, LinuxSeccomp seccomp)
    {
        json.WriteStartObject("seccomp");
        json.WriteString("defaultAction", seccomp.DefaultAction);
        Optional(json, "defaultErrnoRet", seccomp.DefaultErrno);
        Texts(json, "architectures", seccomp.Architectures);
        json.WriteStartArray("syscalls");
        foreach (SeccompRule rule in seccomp.Syscalls)
        {
            json.WriteStartObject();
            Texts(json, "names", rule.Names);
            json.WriteString("action", rule.Action);
            Optional(json, "errnoRet", rule.Errno);
            if (rule.Arguments.Count > 0)
            {
                json.WriteStartArray("args");
                foreach (SeccompArgument argument in rule.Arguments)
                {
                    json.WriteStartObject();
                    json.WriteNumber("index", argument.Index);
                    json.WriteNumber("value", argument.Value);
                    json.WriteNumber("valueTwo", argument.ValueTwo);
                    json.WriteString("op", argument.Operator);
                    json.WriteEndObject();
                }

                json.WriteEndArray();
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Ranges(Utf8JsonWriter json, string name, IReadOnlyList<IdMapping> ranges)
        => Items(json, name, ranges, range =>
        {
            json.WriteStartObject();
            json.WriteNumber("containerID", range.ContainerId);
            json.WriteNumber("hostID", range.HostId);
            json.WriteNumber("size", range.Size);
            json.WriteEndObject();
        });

    internal static void Texts(Utf8JsonWriter json, string name, IReadOnlyList<string> texts) => Items(json, name, texts, json.WriteStringValue);

    internal static void Items<T>(Utf8JsonWriter json, string name, IReadOnlyList<T> items, Action<T> write)
    {
        if (items.Count == 0)
        {
            return;
        }

        json.WriteStartArray(name);
        foreach (T item in items)
        {
            write(item);
        }

        json.WriteEndArray();
    }

    internal static void Optional(Utf8JsonWriter json, string name, string? value)
    {
        if (value is not null)
        {
            json.WriteString(name, value);
        }
    }

    internal static void Optional(Utf8JsonWriter json, string name, long? value)
    {
        if (value is { } number)
        {
            json.WriteNumber(name, number);
        }
    }
}
