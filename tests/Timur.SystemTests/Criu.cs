namespace Timur.SystemTests;

/// <summary>The newest criu that Debian has, fetched once (bench/peers): the one of this Debian knows its own kernel only.</summary>
internal static class Criu
{
    private static readonly Lazy<string> Fetched = new(() =>
    {
        Outcome outcome = TimurCommand.Execute(VirtualMachine.SourceDirectory() + "/bench/peers", ["criu"], milliseconds: 600_000);
        return outcome.Code == 0 ? outcome.Out.Trim() + "/bin/criu" : throw new InvalidOperationException(outcome.ToString());
    });

    internal static string Program => Fetched.Value;
}
