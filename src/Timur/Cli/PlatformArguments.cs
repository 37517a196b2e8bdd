using Timur.CommandLine;
using Timur.Images.Registry;

namespace Timur.Cli;

/// <summary>Which platform: in one word as in Docker, or in parts as in Podman.</summary>
internal static class PlatformArguments
{
    internal static Option[] Options { get; } =
    [
        Option.Value("platform", "OS/ARCH[/VARIANT]", "platform of the image (default this machine's)"),
        Option.Value("os", "OS", "its operating system alone"),
        Option.Value("arch", "ARCH", "its architecture alone, such as arm64"),
        Option.Value("variant", "VARIANT", "its variant alone, such as v7"),
    ];

    /// <summary>As <c>--platform</c> has it; null when nothing was said.</summary>
    internal static string? Read(Arguments arguments)
    {
        (string? os, string? architecture, string? variant) = (arguments.Text("os"), arguments.Text("arch"), arguments.Text("variant"));
        if (os is null && architecture is null && variant is null)
        {
            return arguments.Text("platform");
        }

        if (arguments.Text("platform") is { } whole)
        {
            throw new Failure($"--platform {whole} names the platform, and --os, --arch or --variant names it again", "leave out one of them");
        }

        return $"{os ?? Platform.Own.Os}/{architecture ?? Platform.Own.Architecture}{(variant is null ? "" : "/" + variant)}";
    }
}
