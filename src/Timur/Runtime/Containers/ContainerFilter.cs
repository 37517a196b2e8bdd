using System.Buffers.Binary;
using Timur.Oci;
using Timur.Runtime.Seccomp;

namespace Timur.Runtime.Containers;

/// <summary>A container's seccomp filter, compiled.</summary>
/// <param name="Code">An array of struct sock_filter.</param>
/// <param name="Flags">Flags of seccomp(2).</param>
/// <param name="Disguisable">It allows what <see cref="Kernel.Launcher.PayloadImage"/> does.</param>
/// <param name="ListenerPath">Where an agent answers, or null when it asks nothing.</param>
public sealed record ContainerFilter(byte[] Code, uint Flags, bool Disguisable, string? ListenerPath, string ListenerMetadata)
{
    private const string Cache = "/run/timur/filters";
    private const int PrefixSize = 8;

    /// <summary>Most containers of a machine have one profile: what was compiled of the same text before is taken, and the text isn't even read.</summary>
    internal static ContainerFilter Of(JsonPart seccomp)
    {
        ReadOnlySpan<byte> text = seccomp.Text();
        string path = $"{Cache}/{FilterFile.Sum(text):x16}";
        if (FilterFile.TryRead(path, text) is { Length: > PrefixSize } kept)
        {
            return new ContainerFilter(kept[PrefixSize..], BinaryPrimitives.ReadUInt32LittleEndian(kept), kept[4] != 0, null, "");
        }

        ContainerFilter filter = Compile(SeccompJson.Read(seccomp), seccomp.Document);
        if (filter.ListenerPath is null)
        {
            byte[] prefix = new byte[PrefixSize];
            BinaryPrimitives.WriteUInt32LittleEndian(prefix, filter.Flags);
            prefix[4] = (byte)(filter.Disguisable ? 1 : 0);
            FilterFile.Keep(path, text, [.. prefix, .. filter.Code]);
        }

        return filter;
    }

    internal static ContainerFilter Compile(LinuxSeccomp profile, string document) => SpecRules.At(document, "linux.seccomp", () =>
    {
        uint flags = SeccompListener.Flags(profile);
        bool asks = (flags & Kernel.Launcher.IdentityOps.NewListener) != 0;
        return new ContainerFilter(FilterCompiler.Compile(profile), flags, Disguise.Allows(profile), asks ? profile.ListenerPath : null, profile.ListenerMetadata ?? "");
    });
}
