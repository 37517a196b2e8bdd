using System.Text;
using System.Text.Json;
using Timur.CommandLine;
using Timur.Kernel;
using Timur.Runtime;
using Timur.Runtime.Containers;

namespace Timur.Cli.Oci;

/// <summary><c>features</c>: what this program supports, whatever this machine does (runtime-spec features.md).</summary>
internal static class FeaturesCommand
{
    internal static int Run(OciContext context, Arguments arguments)
    {
        using var stream = new MemoryStream(8192);
        using (var json = new Utf8JsonWriter(stream, PlainJsonEncoder.Options with { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteString("ociVersionMin", "1.0.0");
            json.WriteString("ociVersionMax", new Timur.Oci.Spec().OciVersion);
            Texts(json, "hooks", ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"]);
            Texts(json, "mountOptions", MountOptions.Known);
            json.WriteStartObject("linux");
            Linux(json);
            json.WriteEndObject();
            json.WriteStartObject("annotations");
            json.WriteString("timur.version", VersionCommand.Version);
            json.WriteString("org.opencontainers.runc.checkpoint.enabled", "true");
            json.WriteEndObject();
            Texts(json, "potentiallyUnsafeConfigAnnotations", [CriuConfiguration.Annotation, SystemdAnnotations.Prefix, ProcessRules.GroupsAnnotation]);
            json.WriteEndObject();
        }

        OciContext.Line(Encoding.UTF8.GetString(stream.ToArray()));
        return 0;
    }

    private static void Linux(Utf8JsonWriter json)
    {
        Texts(json, "namespaces", ["cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts"]);
        Texts(json, "capabilities", Capabilities.FromBits(Capabilities.Every));
        json.WriteStartObject("cgroup");
        json.WriteBoolean("v1", true);
        json.WriteBoolean("v2", true);
        json.WriteBoolean("systemd", true);
        json.WriteBoolean("systemdUser", false);
        json.WriteBoolean("rdma", true);
        json.WriteEndObject();
        json.WriteStartObject("seccomp");
        json.WriteBoolean("enabled", true);
        Texts(json, "actions", ["SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_LOG", "SCMP_ACT_NOTIFY", "SCMP_ACT_TRACE", "SCMP_ACT_TRAP"]);
        Texts(json, "operators", ["SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_LE", "SCMP_CMP_LT", "SCMP_CMP_MASKED_EQ", "SCMP_CMP_NE"]);
        Texts(json, "archs", ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM", "SCMP_ARCH_X32", "SCMP_ARCH_X86", "SCMP_ARCH_X86_64"]);
        string[] flags = ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW", "SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"];
        Texts(json, "knownFlags", flags);

        // The last is for profiles that ask an agent only: the kernel takes it with a listener.
        Texts(json, "supportedFlags", flags[..^1]);
        json.WriteEndObject();
        foreach (string name in (ReadOnlySpan<string>)["apparmor", "selinux", "netDevices"])
        {
            Enabled(json, name);
        }

        json.WriteStartObject("intelRdt");
        json.WriteBoolean("enabled", true);
        json.WriteBoolean("schemata", true);
        json.WriteBoolean("monitoring", true);
        json.WriteEndObject();
        json.WriteStartObject("memoryPolicy");
        Texts(json, "modes", MemoryPolicies.Modes);
        Texts(json, "flags", MemoryPolicies.Flags);
        json.WriteEndObject();
        json.WriteStartObject("mountExtensions");
        Enabled(json, "idmap");
        json.WriteEndObject();
    }

    private static void Enabled(Utf8JsonWriter json, string name)
    {
        json.WriteStartObject(name);
        json.WriteBoolean("enabled", true);
        json.WriteEndObject();
    }

    private static void Texts(Utf8JsonWriter json, string name, IReadOnlyList<string> texts)
    {
        json.WriteStartArray(name);
        foreach (string text in texts)
        {
            json.WriteStringValue(text);
        }

        json.WriteEndArray();
    }
}
