namespace Timur.Cli.Oci;

/// <summary><c>--version</c>, in the lines that engines parse.</summary>
internal static class OciVersion
{
    internal static int Print()
    {
        OciContext.Line($"timur-runc version {VersionCommand.Version}");
        OciContext.Line($"commit: {VersionCommand.Version}");
        OciContext.Line($"spec: {new Timur.Oci.Spec().OciVersion}");
        return 0;
    }
}
