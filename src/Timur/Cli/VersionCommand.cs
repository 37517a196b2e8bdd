using System.Reflection;
using System.Runtime.InteropServices;
using Timur.CommandLine;
using Timur.Templates;

namespace Timur.Cli;

/// <summary><c>timur version</c>.</summary>
internal static class VersionCommand
{
    internal static readonly Option[] Options = [Option.Value("format", "json|TEMPLATE", "JSON, or a Go template such as {{.Version}}", 'f')];

    internal static string Version => typeof(VersionCommand).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "unknown";

    internal static int Run(CommandContext context, Arguments arguments)
    {
        var version = new TemplateObject()
            .Add("Version", Version)
            .Add("Runtime", RuntimeInformation.FrameworkDescription)
            .Add("Os", "linux")
            .Add("Arch", RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant());
        context.Out(arguments.Text("format") switch
        {
            null => $"timur version {Version}",
            "json" => version.ToJson(),
            { } text => Template.Parse(text).Render(version),
        });
        return 0;
    }

    internal static int PrintShort()
    {
        CommandContext.Line($"timur version {Version}");
        return 0;
    }
}
