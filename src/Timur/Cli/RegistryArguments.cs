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

    /// <summary>Podman and skopeo write <c>docker://</c> before what a registry has.</summary>
    internal static string WithoutTransport(string reference) => reference.StartsWith("docker://", StringComparison.Ordinal) ? reference["docker://".Length..] : reference;

    internal static RegistrySettings Settings(Arguments arguments) => new(
        arguments.Text("tls-verify") is { } verify ? verify != "false" : null, arguments.Text("creds"), arguments.Text("authfile"), arguments.Text("cert-dir"));

    internal static ITransferProgress Progress(Arguments arguments)
        => arguments.Has("quiet") ? new QuietTransfers()
            : Environment.GetEnvironmentVariable("TERM") is not (null or "dumb") && Terminal.Is(Descriptors.Standard(2)) && Terminal.Size(Descriptors.Standard(2)) is { } size
                ? new TerminalTransfers(size) : new PlainTransfers();

    internal static ImageSource Supply(Arguments arguments) => new(Settings(arguments), Progress(arguments));
}
