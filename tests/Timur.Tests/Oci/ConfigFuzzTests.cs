using System.Text;
using System.Text.Json.Nodes;
using Timur.Oci;
using Timur.Runtime;
using Timur.Runtime.Containers;
using Xunit;

namespace Timur.Tests.Oci;

/// <summary>Configurations that somebody damaged: whatever is in them, the answer is a launch program or a sentence that names the place.</summary>
public class ConfigFuzzTests
{
    private const int Cases = 120_000;
    private const string Document = "config.json";

    /// <summary>Bytes, not structure, are damaged in one case of this many.</summary>
    private const int Bytewise = 6;

    private static readonly string[] Odd =
    [
        "", "/", ".", "..", "../..", "/proc/self/exe", "\0", "a\0b", "\ud800", "\u0001", "äöü\ud83d\ude00", new('x', 5000), "rbind", "bind", "idmap", "tmpcopyup", "ro=", "=", "SCMP_ACT_NOTIFY",
        "SCMP_CMP_MASKED_EQ", "RLIMIT_NOFILE", "CAP_SYS_ADMIN", "user", "pid", "mount", "-1", "0-3,7", "7-3", "0-99999999999", "a", "rwm", "net.ipv4.ip_forward", "kernel.hostname",
        "2.0.0", "1.0.2-dev", "shared", "bind ", "%s%n", "\"", "[]", string.Join('/', Enumerable.Repeat("d", 400)),
    ];

    private static readonly Func<JsonNode?>[] OddNodes =
    [
        () => null, () => JsonValue.Create(true), () => JsonValue.Create(false), () => JsonValue.Create(0), () => JsonValue.Create(-1), () => JsonValue.Create(long.MaxValue),
        () => JsonValue.Create(long.MinValue), () => JsonValue.Create(ulong.MaxValue), () => JsonValue.Create(1.5), () => JsonValue.Create(1e300), () => new JsonArray(), () => new JsonObject(),
        () => new JsonArray(null, 1, "x", new JsonObject()), () => new JsonObject { ["path"] = 1, ["type"] = null, ["x"] = "y" },
    ];

    [Fact]
    public void Every_damaged_configuration_is_compiled_or_refused_with_its_place()
    {
        byte[] whole = File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Oci", "whole-config.json"));
        var random = new Random(20251125);
        int compiled = 0;
        var messages = new HashSet<string>();
        for (int i = 0; i < Cases; i++)
        {
            byte[] damaged = i % Bytewise == 0 ? DamageBytes(whole, random) : DamageStructure(whole, random);
            string? refusal = Refusal(damaged);
            compiled += refusal is null ? 1 : 0;
            messages.Add(Shape(refusal ?? ""));
        }

        // Both outcomes are reached, and the refusals are of many kinds: otherwise the damage would be too coarse to test anything.
        Assert.InRange(compiled, Cases / 10, Cases * 9 / 10);
        Assert.True(messages.Count > 100, $"only {messages.Count} kinds of refusals");
    }

    [Fact]
    public void The_undamaged_configuration_is_compiled()
        => Assert.Null(Refusal(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Oci", "whole-config.json"))));

    /// <summary>Null when it could be launched.</summary>
    private static string? Refusal(byte[] json)
    {
        try
        {
            Spec spec = SpecJson.Read(json, Document);
            SpecRules.Check(spec, Document, needsProcess: true);
            SpecRules.CheckSources(spec.Mounts, "/nowhere", Document);
            byte[]? filter = spec.Linux.Seccomp is { } profile ? ContainerFilter.Compile(profile, Document).Code : null;
            var context = new LaunchContext { Root = "/", Stage = "/", OwnCapabilities = Capabilities.Every, SeccompFilter = filter, StartGate = true, Hooks = true };
            LaunchCompiler.Compile(spec, context).ToBytes();
            CgroupPaths.Clean(spec.Linux.CgroupsPath ?? "/x");
            return null;
        }
        catch (Failure e)
        {
            Assert.StartsWith(Document + ": ", e.Message);
            return e.Message;
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"{e.GetType().Name} for {Encoding.UTF8.GetString(json)}", e);
        }
    }

    /// <summary>The message without numbers and quoted text.</summary>
    private static string Shape(string message)
    {
        var shape = new StringBuilder();
        bool quoted = false;
        foreach (char c in message)
        {
            quoted ^= c is '\'' or '"';
            if (!quoted && !char.IsAsciiDigit(c))
            {
                shape.Append(c);
            }
        }

        return shape.ToString();
    }

    private static byte[] DamageBytes(byte[] whole, Random random)
    {
        var bytes = new List<byte>(whole);
        for (int i = random.Next(1, 4); i > 0; i--)
        {
            int at = random.Next(bytes.Count);
            switch (random.Next(4))
            {
                case 0: bytes[at] = (byte)random.Next(256); break;
                case 1: bytes.RemoveRange(at, Math.Min(random.Next(1, 40), bytes.Count - at)); break;
                case 2: bytes.InsertRange(at, bytes.GetRange(0, Math.Min(random.Next(1, 40), bytes.Count))); break;
                default: bytes.InsertRange(at, "\\ud800"u8.ToArray()); break;
            }
        }

        return [.. bytes];
    }

    private static byte[] DamageStructure(byte[] whole, Random random)
    {
        JsonNode root = JsonNode.Parse(whole)!;
        for (int i = random.Next(1, 4); i > 0; i--)
        {
            DamageOne(root, random);
        }

        return Encoding.UTF8.GetBytes(root.ToJsonString());
    }

    /// <summary>Walks down a random way and changes what it ends at.</summary>
    private static void DamageOne(JsonNode node, Random random)
    {
        while (true)
        {
            int count = node switch { JsonObject o => o.Count, JsonArray a => a.Count, _ => 0 };
            if (count == 0)
            {
                return;
            }

            int chosen = random.Next(count);
            JsonNode? child = node is JsonObject map ? map.GetAt(chosen).Value : ((JsonArray)node)[chosen];
            bool deeper = child is JsonObject or JsonArray && random.Next(8) > 0;
            if (!deeper)
            {
                Change(node, chosen, child, random);
                return;
            }

            node = child!;
        }
    }

    private static void Change(JsonNode parent, int chosen, JsonNode? child, Random random)
    {
        JsonNode? replacement = random.Next(5) switch
        {
            0 => OddNodes[random.Next(OddNodes.Length)](),
            1 when child is JsonValue number && number.TryGetValue(out long value) => JsonValue.Create(value + random.Next(-3, 4)),
            _ => JsonValue.Create(Odd[random.Next(Odd.Length)]),
        };
        if (parent is JsonArray array)
        {
            switch (random.Next(3))
            {
                case 0: array.RemoveAt(chosen); break;
                case 1: array.Add(child?.DeepClone()); break;
                default: array[chosen] = replacement; break;
            }

            return;
        }

        var map = (JsonObject)parent;
        string key = map.GetAt(chosen).Key;
        switch (random.Next(3))
        {
            case 0: map.Remove(key); break;
            case 1: map[Odd[random.Next(Odd.Length)]] = child?.DeepClone(); break;
            default: map[key] = replacement; break;
        }
    }
}
