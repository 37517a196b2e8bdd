using Timur.CommandLine;
using Timur.Images.Registry.Credentials;

namespace Timur.Cli;

/// <summary><c>timur logout</c>: forget the password for a registry.</summary>
internal static class LogoutCommand
{
    internal static Option[] Options { get; } =
    [
        Option.Value("authfile", "FILE", "where credentials are stored (REGISTRY_AUTH_FILE)"),
        Option.Flag("all", "forget them for every registry", 'a'),
    ];

    internal static int Run(CommandContext context, Arguments arguments)
    {
        if (arguments.Has("all"))
        {
            return ForgetAll(arguments);
        }

        string registry = LoginCommand.Registry(arguments, "logout");
        var store = new CredentialStore(arguments.Text("authfile"));
        if (!store.Erase(registry))
        {
            throw new Failure($"nobody is logged in at {registry}", $"{store.File} holds what timur login keeps", 1);
        }

        CommandContext.Note($"{registry}: forgotten");
        return 0;
    }

    private static int ForgetAll(Arguments arguments)
    {
        if (arguments.Operands.Count > 0)
        {
            throw new Failure("logout --all is for every registry, so it takes no name", $"for one: timur logout {arguments.Operands[0]}");
        }

        foreach (string registry in new CredentialStore(arguments.Text("authfile")).EraseAll())
        {
            CommandContext.Note($"{registry}: forgotten");
        }

        return 0;
    }
}
