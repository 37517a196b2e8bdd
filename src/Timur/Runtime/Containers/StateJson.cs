using System.Text;
using System.Text.Json;
using Timur.Kernel;

namespace Timur.Runtime.Containers;

/// <summary>A container's state as callers and hooks read it (runtime-spec runtime.md, State).</summary>
public static class StateJson
{
    /// <summary>What <c>state</c> prints: the specification's members, and three more that callers of other runtimes look for, in the order in which those have them.</summary>
    /// <param name="indented">A line for each member, or all in one.</param>
    /// <param name="owner">Who made it, where that is told.</param>
    public static string ForCallers(OciContainer container, bool indented, string owner)
    {
        OciStatus status = container.Status;
        ContainerRecord record = container.Record;
        return Encoding.UTF8.GetString(Write(indented, json =>
        {
            json.WriteString("ociVersion", record.OciVersion);
            json.WriteString("id", record.Id);
            json.WriteNumber("pid", status == OciStatus.Stopped ? 0 : record.Pid);
            json.WriteString("status", status.Name());
            json.WriteString("bundle", record.Bundle);
            json.WriteString("rootfs", record.Rootfs);
            json.WriteString("created", record.Created);
            WriteAnnotations(json, record);
            json.WriteString("owner", owner);
        }));
    }

    /// <summary>What a hook gets on its standard input.</summary>
    internal static byte[] ForHooks(ContainerRecord record, OciStatus status) => Write(indented: false, json => Members(json, record, status, record.Pid));

    /// <summary>What a seccomp agent gets with the descriptor (config-linux.md, The Container Process State).</summary>
    internal static byte[] ForAgent(ContainerRecord record, OciStatus status, int pid, string metadata)
    {
        using var stream = new MemoryStream(512);
        using (var json = new Utf8JsonWriter(stream, PlainJsonEncoder.Options))
        {
            json.WriteStartObject();
            json.WriteString("ociVersion", record.OciVersion);
            json.WriteStartArray("fds");
            json.WriteStringValue("seccompFd");
            json.WriteEndArray();
            json.WriteNumber("pid", pid);
            json.WriteString("metadata", metadata);
            json.WriteStartObject("state");
            Members(json, record, status, record.Pid);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        return stream.ToArray();
    }

    public static string Name(this OciStatus status) => status switch
    {
        OciStatus.Creating => "creating",
        OciStatus.Created => "created",
        OciStatus.Running => "running",
        OciStatus.Paused => "paused",
        _ => "stopped",
    };

    private static byte[] Write(bool indented, Action<Utf8JsonWriter> members)
    {
        using var stream = new MemoryStream(512);
        using (var json = new Utf8JsonWriter(stream, PlainJsonEncoder.Options with { Indented = indented }))
        {
            json.WriteStartObject();
            members(json);
            json.WriteEndObject();
        }

        return stream.ToArray();
    }

    private static void Members(Utf8JsonWriter json, ContainerRecord record, OciStatus status, int pid)
    {
        json.WriteString("ociVersion", record.OciVersion);
        json.WriteString("id", record.Id);
        json.WriteString("status", status.Name());
        json.WriteNumber("pid", pid);
        json.WriteString("bundle", record.Bundle);
        WriteAnnotations(json, record);
    }

    private static void WriteAnnotations(Utf8JsonWriter json, ContainerRecord record)
    {
        if (record.Annotations.Count == 0)
        {
            return;
        }

        json.WriteStartObject("annotations");
        foreach ((string key, string value) in record.Annotations)
        {
            json.WriteString(key, value);
        }

        json.WriteEndObject();
    }
}
