using Timur.CommandLine;
using Timur.Engine;
using Timur.Images;
using Timur.Images.Registry;
using Timur.Kernel;

namespace Timur.Cli;

/// <summary>Options of every command that may speak to a registry.</summary>
internal static class RegistryArguments
{
    internal static Option[] Options { get; } =
    [
        Option.Flag("tls-verify", "check the registry's certificate; =false also tries plain HTTP (default true, but false for this machine itself)"),
        Option.Value("creds", "USER:PASSWORD", "credentials instead of the stored ones"),
        Option.Value("authfile", "FILE", "where credentials are stored (REGISTRY_AUTH_FILE)"),
        Option.Value("cert-dir", "DIR", "certificates for the registry: *.crt, *.cert, *.key (default /etc/containers/certs.d/REGISTRY)"),
    ];

    /// <summary>Podman and skopeo write <c>docker://</c> before what a registry has, and other words before files and directories, which are for save and load here.</summary>
    internal static string WithoutTransport(string reference)
    {
        int colon = reference.IndexOf(':');
        string transport = colon < 0 ? "" : reference[..colon], rest = reference[(colon + 1)..];
        bool isFile = transport is "docker-archive" or "oci-archive" or "docker-daemon" or "containers-storage" || (transport is "oci" or "dir" && rest.Contains('/'));
        return isFile ? throw new Failure($"{reference}: images go to registries and come from them", "for an archive or a directory: timur save --format oci-archive -o FILE IMAGE, timur load -i FILE")
            : transport == "docker" && rest.StartsWith("//", StringComparison.Ordinal) ? rest[2..] : reference;
    }

    internal static RegistrySettings Settings(Arguments arguments) => new(
        arguments.Text("tls-verify") is { } verify ? verify != "false" : null, arguments.Text("creds"), arguments.Text("authfile"), arguments.Text("cert-dir"));

    /// <summary>Podman's option for what is pushed.</summary>
    internal static Option FormatOption { get; } = Option.Value("format", "oci|v2s2", "write the manifest in this format instead of its own", 'f');

    internal static ManifestFormat? Format(Arguments arguments) => arguments.Text("format") switch
    {
        null => null,
        "oci" => ManifestFormat.Oci,
        "v2s2" or "docker" => ManifestFormat.Docker,
        { } other => throw new Failure($"--format {other} isn't known", "use oci, or v2s2 for Docker's"),
    };

    internal static ITransferProgress Progress(Arguments arguments)
        => arguments.Has("quiet") ? new QuietTransfers()
            : Environment.GetEnvironmentVariable("TERM") is not (null or "dumb") && Terminal.Is(Descriptors.Standard(2)) && Terminal.Size(Descriptors.Standard(2)) is { } size
                ? new TerminalTransfers(size) : new PlainTransfers();

    internal static ImageSource Supply(Arguments arguments) => new(Settings(arguments), Progress(arguments));
}
