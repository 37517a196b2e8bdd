using Timur.Oci;

namespace Timur.Runtime.Containers;

/// <summary>A file with options of criu's that go before ours (criu(8), Configuration files), by the annotation that callers of runc know.</summary>
internal static class CriuConfiguration
{
    internal const string Annotation = "org.criu.config";

    private const string Default = "/etc/criu/runc.conf";

    /// <summary>Null when the annotation is there and empty: then there is none.</summary>
    internal static string? Of(Spec spec) => !spec.Annotations.TryGetValue(Annotation, out string? file) ? Default : file.Length > 0 ? file : null;
}
