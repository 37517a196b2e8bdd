using System.Reflection;
using Timur.CommandLine;

namespace Timur.Cli;

/// <summary><c>timur version</c>.</summary>
internal static class VersionCommand
{
    internal static string Version => typeof(VersionCommand).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "unknown";

    internal static int Run(CommandContext context, Arguments arguments)
    {
        context.Out($"timur version {Version}");
        return 0;
    }

    internal static int PrintShort()
    {
        Console.WriteLine($"timur version {Version}");
        return 0;
    }
}
