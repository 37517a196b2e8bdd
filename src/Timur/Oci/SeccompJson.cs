namespace Timur.Oci;

/// <summary>Seccomp profiles as JSON: linux.seccomp of the runtime specification, and the files that Docker's users keep.</summary>
public static class SeccompJson
{
    public static LinuxSeccomp Read(ReadOnlyMemory<byte> bytes, string document) => Read(JsonPart.ParseAnyCase(bytes, document));

    public static LinuxSeccomp Read(JsonPart root) => new()
    {
        DefaultAction = root.RequireText("defaultAction"),
        DefaultErrno = root.Find("defaultErrnoRet")?.AsId(),
        Architectures = root.Texts("architectures"),
        Flags = root.Find("flags") is null ? LinuxSeccomp.UsualFlags : root.Texts("flags"),
        ListenerPath = root.Text("listenerPath") is { Length: > 0 } path ? path : null,
        ListenerMetadata = root.Text("listenerMetadata"),
        Syscalls = root.List("syscalls", rule => new SeccompRule(
            rule.Text("name") is { } name ? [name] : rule.Texts("names"), rule.RequireText("action"), rule.Find("errnoRet")?.AsId())
        {
            Arguments = rule.List("args", argument => new SeccompArgument(
                (int)(argument.Find("index")?.AsRange(0, 5) ?? 0), argument.Find("value")?.AsUnsigned() ?? 0, argument.RequireText("op"), argument.Find("valueTwo")?.AsUnsigned() ?? 0)),
        }),
    };
}
