using Timur.CommandLine;
using Timur.Images;
using Timur.Images.Registry;
using Timur.Images.Registry.Credentials;
using Timur.Kernel;

namespace Timur.Cli;

/// <summary><c>timur login</c>: keep the user name and password for a registry, once they are known to be right.</summary>
internal static class LoginCommand
{
    internal const string DefaultRegistry = "docker.io";

    internal static Option[] Options { get; } =
    [
        Option.Value("username", "NAME", "user name", 'u'),
        Option.Value("password", "PASSWORD", "password; others on this machine can read it while the command runs", 'p'),
        Option.Flag("password-stdin", "read the password from standard input"),
        Option.Flag("get-login", "print the user name that is stored"),
        Option.Taken("verbose") with { Short = 'v' },
        .. RegistryArguments.Options.Where(option => option.Name != "creds"),
    ];

    internal static int Run(CommandContext context, Arguments arguments)
    {
        string registry = Registry(arguments, "login");
        var store = new CredentialStore(arguments.Text("authfile"));
        if (arguments.Has("get-login"))
        {
            context.Out(store.Find(registry)?.User ?? throw new Failure($"nobody is logged in at {registry}", $"timur login {registry}", 1));
            return 0;
        }

        string user = arguments.Text("username") ?? Ask("User name: ", store.Find(registry)?.User);
        string password = arguments.Has("password-stdin") ? ReadLine(echo: true) ?? "" : arguments.Text("password") ?? AskHidden();
        if (user.Length == 0 || password.Length == 0 || user.Contains(':'))
        {
            throw new Failure("login needs a user name without ':' and a password", "for example: timur login -u anna --password-stdin registry.example < password");
        }

        var credential = new Credential(user, password);
        RegistryLogin.Check(registry, credential, RegistryArguments.Settings(arguments));
        store.Store(registry, credential);
        CommandContext.Note($"the password of {user} for {registry} is kept in {store.File}");
        context.Out("Login Succeeded!");
        return 0;
    }

    /// <summary>The operand without scheme and path; Docker Hub when there is none.</summary>
    internal static string Registry(Arguments arguments, string command)
    {
        string text = arguments.Operands.Count == 0 ? DefaultRegistry : Operands.One(arguments, command, "[REGISTRY]");
        int scheme = text.IndexOf("://", StringComparison.Ordinal);
        string host = text[(scheme < 0 ? 0 : scheme + 3)..].Split('/')[0];
        if (host is "index.docker.io" or "registry-1.docker.io")
        {
            return DefaultRegistry;
        }

        bool isHost = host.AsSpan().IndexOfAny(".:") >= 0 || host == "localhost";
        return isHost ? ImageName.Parse($"{host}/any").Registry : throw new Failure($"{command}: '{text}' isn't a registry", "give its host and port, such as registry.example:5000");
    }

    private static string Ask(string question, string? suggested)
    {
        RequireTerminal();
        CommandContext.Ask(suggested is null ? question : $"{question}({suggested}) ");
        return ReadLine(echo: true) is { Length: > 0 } answer ? answer : suggested ?? "";
    }

    private static string AskHidden()
    {
        RequireTerminal();
        CommandContext.Ask("Password: ");
        try
        {
            return ReadLine(echo: false) ?? "";
        }
        finally
        {
            CommandContext.Note("");
        }
    }

    private static void RequireTerminal()
    {
        if (!Terminal.Is(Descriptors.Standard(0)))
        {
            throw new Failure("login asks for the user name and password, and there is no terminal", "give -u NAME and --password-stdin");
        }
    }

    /// <summary>A line from standard input, without its end; null when there is none.</summary>
    private static string? ReadLine(bool echo)
    {
        using TerminalMode? hidden = echo ? null : Terminal.MakeRaw(Descriptors.Standard(0));
        var bytes = new List<byte>();
        Span<byte> one = stackalloc byte[1];
        while (Files.TryRead(Descriptors.Standard(0), one, out _) == 1)
        {
            const byte interrupt = 3;
            const byte endOfFile = 4;
            const byte backspace = 8;
            const byte delete = 127;
            switch (one[0])
            {
                case (byte)'\n' or (byte)'\r': return System.Text.Encoding.UTF8.GetString([.. bytes]);
                case interrupt or endOfFile when !echo: throw new Failure("login was given up");
                case backspace or delete when !echo && bytes.Count > 0: bytes.RemoveAt(bytes.Count - 1); break;
                default: bytes.Add(one[0]); break;
            }
        }

        return bytes.Count > 0 ? System.Text.Encoding.UTF8.GetString([.. bytes]) : null;
    }
}
