using Timur.CommandLine;
using Timur.Engine;
using Timur.Templates;

namespace Timur.Cli;

/// <summary><c>timur info</c>: this machine and what it lacks.</summary>
internal static class InfoCommand
{
    internal static readonly Option[] Options = [Option.Value("format", "json|TEMPLATE", "JSON, or a Go template such as {{.CgroupMode}}", 'f')];

    internal static int Run(CommandContext context, Arguments arguments)
    {
        TemplateObject info = MachineInfo.Describe(context.Paths, VersionCommand.Version);
        switch (arguments.Text("format"))
        {
            case null: Print(context, info, ""); break;
            case "json": context.Out(info.ToJson()); break;
            case { } text: context.Out(Template.Parse(text).Render(info)); break;
        }

        return 0;
    }

    private static void Print(CommandContext context, TemplateObject info, string indent)
    {
        foreach ((string name, object? value) in info.Fields)
        {
            switch (value)
            {
                case TemplateObject nested:
                    context.Out($"{indent}{name}:");
                    Print(context, nested, indent + "  ");
                    break;
                case List<object?> list when name == "Lacks":
                    context.Out($"{indent}What this machine lacks{(list.Count == 0 ? ": nothing" : ":")}");
                    list.ForEach(item => context.Out($"{indent}  - {item}"));
                    break;
                case List<object?> list: context.Out($"{indent}{name}: {string.Join(' ', list)}"); break;
                case long bytes when name == "MemTotal": context.Out($"{indent}{name}: {new ByteSize(bytes)}"); break;
                default: context.Out($"{indent}{name}: {value}"); break;
            }
        }
    }
}
