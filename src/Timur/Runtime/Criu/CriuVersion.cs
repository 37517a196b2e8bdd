namespace Timur.Runtime.Criu;

/// <summary>A version of criu as it numbers them itself: 31701 is 3.17.1.</summary>
internal static class CriuVersion
{
    internal const int Least = 30000;
    internal const int OfNetworkNamespaces = 31100;
    internal const int OfFrozenCgroups2 = 31400;
    internal const int OfProcessNamespaces = 31500;
    internal const int OfSecurityProfiles = 31600;

    /// <summary>Asks the program.</summary>
    internal static int Of(string program, IReadOnlyList<string> environment)
    {
        using var session = CriuSession.Start(program, environment, []);
        ProtobufReader version = session.Ask(CriuCommand.Version).Message(10) ?? throw TooOld("an unknown version", "3.0");
        return (int)(((version.Number(1) ?? 0) * 10_000) + ((version.Number(2) ?? 0) * 100) + (version.Number(4) ?? 0));
    }

    internal static void Require(int version, int least, string why)
    {
        if (version < least)
        {
            throw TooOld(Text(version), Text(least) + why);
        }
    }

    private static string Text(int version) => $"{version / 10_000}.{version / 100 % 100}.{version % 100}";

    private static Failure TooOld(string what, string least) => new($"criu is too old: it is {what}, and it takes {least}", "install a newer criu, or name its program with --criu", 1);
}
