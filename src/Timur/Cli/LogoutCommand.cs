using Timur.CommandLine;
using Timur.Images.Registry.Credentials;

namespace Timur.Cli;

/// <summary><c>timur logout</c>: forget the password for a registry.</summary>
internal static class LogoutCommand
{
    internal static Option[] Options { get; } = [Option.Value("authfile", "FILE", "where credentials are stored (REGISTRY_AUTH_FILE)")];

    internal static int Run(CommandContext context, Arguments arguments)
    {
        string registry = LoginCommand.Registry(arguments, "logout");
        var store = new CredentialStore(arguments.Text("authfile"));
        if (!store.Erase(registry))
        {
            throw new Failure($"nobody is logged in at {registry}", $"{store.File} holds what timur login keeps", 1);
        }

        CommandContext.Note($"{registry}: forgotten");
        return 0;
    }
}
