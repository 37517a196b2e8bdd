using System.Text.Json;

namespace Timur.Oci;

/// <summary>linux.resources as JSON (config-linux.md, Control groups).</summary>
internal static class ResourcesJson
{
    /// <summary>Numbers of 0 mean "not set" where the engines that write these files say so.</summary>
    internal static LinuxResources Read(JsonPart part) => new()
    {
        Memory = part.Find("memory") is { } memory ? ReadMemory(memory) : new MemoryResources(),
        Cpu = part.Find("cpu") is { } cpu ? ReadCpu(cpu) : new CpuResources(),
        PidsLimit = NotZero(part.Find("pids")?.Number("limit")),
        BlockIo = part.Find("blockIO") is { } io ? ReadBlockIo(io) : new BlockIoResources(),
        Devices = part.List("devices", ReadRule),
        HugepageLimits = part.List("hugepageLimits", limit => (limit.RequireText("pageSize"), (long)Math.Min(limit.Require("limit").AsUnsigned(), long.MaxValue))),
        Network = part.Find("network") is { } network ? ReadNetwork(network) : new NetworkResources(),
        Rdma = part.Map("rdma", device => (device.Number("hcaHandles"), device.Number("hcaObjects"))),
        Unified = part.TextMap("unified"),
    };

    private static MemoryResources ReadMemory(JsonPart part)
        => new(NotZero(part.Number("limit")), NotZero(part.Number("reservation")), NotZero(part.Number("swap")), ReadSwappiness(part), part.Flag("disableOOMKiller"))
        {
            KernelTcp = NotZero(part.Number("kernelTCP")),
            CheckBeforeUpdate = part.Flag("checkBeforeUpdate"),
        };

    /// <summary>All ones is an old engine's word for "as it is".</summary>
    private static long? ReadSwappiness(JsonPart part)
        => part.Find("swappiness") is not { } swappiness || swappiness.IsAllOnes() ? null : swappiness.AsRange(0, 100);

    private static CpuResources ReadCpu(JsonPart part)
        => new(
            NotZero(part.Find("shares")?.AsUnsigned()), NotZero(part.Number("quota")), NotZero(part.Find("period")?.AsUnsigned()), NotEmpty(part.Text("cpus")),
            NotEmpty(part.Text("mems")))
        {
            Burst = part.Find("burst")?.AsUnsigned(),
            RealtimeRuntime = NotZero(part.Number("realtimeRuntime")),
            RealtimePeriod = NotZero(part.Find("realtimePeriod")?.AsUnsigned()),
            Idle = part.Number("idle"),
        };

    private static BlockIoResources ReadBlockIo(JsonPart part) => new()
    {
        Weight = ReadWeight(part, "weight"),
        LeafWeight = ReadWeight(part, "leafWeight"),
        WeightDevices = part.List("weightDevice", device => (Part(device, "major"), Part(device, "minor"), ReadWeight(device, "weight"), ReadWeight(device, "leafWeight"))),
        ReadBytes = ReadRates(part, "throttleReadBpsDevice"),
        WriteBytes = ReadRates(part, "throttleWriteBpsDevice"),
        ReadOperations = ReadRates(part, "throttleReadIOPSDevice"),
        WriteOperations = ReadRates(part, "throttleWriteIOPSDevice"),
    };

    private static IReadOnlyList<(long Major, long Minor, long Rate)> ReadRates(JsonPart part, string name)
        => part.List(name, rate => (Part(rate, "major"), Part(rate, "minor"), (long)Math.Min(rate.Require("rate").AsUnsigned(), long.MaxValue)));

    private static ushort? ReadWeight(JsonPart part, string name)
        => part.Find(name)?.AsRange(0, 1000) is { } weight and not 0 ? (weight >= 10 ? (ushort)weight : throw part.Complain($"{name} {weight} isn't a weight from 10 to 1000")) : null;

    private static long Part(JsonPart device, string name) => device.Require(name).AsNumber();

    private static DeviceRule ReadRule(JsonPart part)
    {
        string type = part.Text("type") is { Length: > 0 } text ? text : "a";
        if (type is not ("a" or "b" or "c"))
        {
            throw part.Complain($"type '{type}' is none of a, b, c");
        }

        string access = part.Text("access") is { Length: > 0 } letters ? letters : "rwm";
        if (access.AsSpan().IndexOfAnyExcept("rwm") >= 0)
        {
            // Other runtimes leave out what they don't know.
            access = string.Concat(access.Where(letter => letter is 'r' or 'w' or 'm'));
        }

        return new DeviceRule(part.Flag("allow"), type, Wildcard(part.Number("major")), Wildcard(part.Number("minor")), access);
    }

    private static NetworkResources ReadNetwork(JsonPart part) => new()
    {
        ClassId = part.Find("classID")?.AsId() is { } id and not 0 ? id : null,
        Priorities = part.List("priorities", priority => (priority.RequireText("name"), priority.Require("priority").AsId())),
    };

    private static long? Wildcard(long? number) => number == -1 ? null : number;

    private static long? NotZero(long? number) => number == 0 ? null : number;

    private static ulong? NotZero(ulong? number) => number == 0 ? null : number;

    private static string? NotEmpty(string? text) => text is { Length: > 0 } ? text : null;

    internal static void Write(Utf8JsonWriter json, LinuxResources resources)
    {
        json.WriteStartObject("resources");
        SpecJson.Items(json, "devices", resources.Devices, rule =>
        {
            json.WriteStartObject();
            json.WriteBoolean("allow", rule.Allow);
            SpecJson.Optional(json, "type", rule.Type == "a" ? null : rule.Type);
            SpecJson.Optional(json, "major", rule.Major);
            SpecJson.Optional(json, "minor", rule.Minor);
            json.WriteString("access", rule.Access);
            json.WriteEndObject();
        });
        if (resources.Memory != new MemoryResources())
        {
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
        }

        if (resources.Cpu != new CpuResources())
        {
            json.WriteStartObject("cpu");
            SpecJson.Optional(json, "shares", (long?)resources.Cpu.Shares);
            SpecJson.Optional(json, "quota", resources.Cpu.Quota);
            SpecJson.Optional(json, "period", (long?)resources.Cpu.Period);
            SpecJson.Optional(json, "cpus", resources.Cpu.Cpus);
            SpecJson.Optional(json, "mems", resources.Cpu.Mems);
            json.WriteEndObject();
        }

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
        if (io is { Weight: null, ReadBytes.Count: 0, WriteBytes.Count: 0, ReadOperations.Count: 0, WriteOperations.Count: 0 })
        {
            return;
        }

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
        SpecJson.Items(json, name, rates, rate =>
        {
            json.WriteStartObject();
            json.WriteNumber("major", rate.Major);
            json.WriteNumber("minor", rate.Minor);
            json.WriteNumber("rate", rate.Rate);
            json.WriteEndObject();
        });
    }
}
