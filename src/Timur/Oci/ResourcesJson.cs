using System.Text.Json;

namespace Timur.Oci;

/// <summary>linux.resources as JSON (config-linux.md, Control groups).</summary>
internal static class ResourcesJson
{
    internal static void Write(Utf8JsonWriter json, LinuxResources resources)
    {
        json.WriteStartObject("resources");
        json.WriteStartArray("devices");
        foreach (DeviceRule rule in resources.Devices)
        {
            json.WriteStartObject();
            json.WriteBoolean("allow", rule.Allow);
            json.WriteString("type", rule.Type);
            SpecJson.Optional(json, "major", rule.Major);
            SpecJson.Optional(json, "minor", rule.Minor);
            json.WriteString("access", rule.Access);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartObject("memory");
        SpecJson.Optional(json, "limit", resources.Memory.Limit);
        SpecJson.Optional(json, "reservation", resources.Memory.Reservation);
        SpecJson.Optional(json, "swap", resources.Memory.Swap);
        SpecJson.Optional(json, "swappiness", resources.Memory.Swappiness);
        if (resources.Memory.DisableOomKiller)
        {
            json.WriteBoolean("disableOOMKiller", true);
        }

        json.WriteEndObject();
        json.WriteStartObject("cpu");
        SpecJson.Optional(json, "shares", (long?)resources.Cpu.Shares);
        SpecJson.Optional(json, "quota", resources.Cpu.Quota);
        SpecJson.Optional(json, "period", (long?)resources.Cpu.Period);
        SpecJson.Optional(json, "cpus", resources.Cpu.Cpus);
        SpecJson.Optional(json, "mems", resources.Cpu.Mems);
        json.WriteEndObject();
        if (resources.PidsLimit is { } pids)
        {
            json.WriteStartObject("pids");
            json.WriteNumber("limit", pids);
            json.WriteEndObject();
        }

        Write(json, resources.BlockIo);
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, BlockIoResources io)
    {
        json.WriteStartObject("blockIO");
        SpecJson.Optional(json, "weight", io.Weight);
        Rates(json, "throttleReadBpsDevice", io.ReadBytes);
        Rates(json, "throttleWriteBpsDevice", io.WriteBytes);
        Rates(json, "throttleReadIOPSDevice", io.ReadOperations);
        Rates(json, "throttleWriteIOPSDevice", io.WriteOperations);
        json.WriteEndObject();
    }

    private static void Rates(Utf8JsonWriter json, string name, IReadOnlyList<(long Major, long Minor, long Rate)> rates)
    {
        if (rates.Count == 0)
        {
            return;
        }

        json.WriteStartArray(name);
        foreach ((long major, long minor, long rate) in rates)
        {
            json.WriteStartObject();
            json.WriteNumber("major", major);
            json.WriteNumber("minor", minor);
            json.WriteNumber("rate", rate);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
