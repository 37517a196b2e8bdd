using System.Globalization;
using Timur.Bench;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
try
{
    var settings = Settings.Parse(args);
    Directory.CreateDirectory(settings.Out);
    using var laboratory = new Laboratory(settings);
    laboratory.Prepare();
    using StreamWriter raw = File.CreateText($"{settings.Out}/raw.jsonl");
    var report = new List<string> { laboratory.Machine(), "" };
    foreach ((string name, Func<TextWriter, string> measure) in laboratory.Experiments)
    {
        if (settings.Only.Count == 0 || settings.Only.Contains(name))
        {
            report.Add(measure(raw));
        }
    }

    string text = string.Join('\n', report);
    File.WriteAllText($"{settings.Out}/report.md", text);
    Console.WriteLine(text);
    Console.Error.WriteLine($"bench: the raw figures are in {settings.Out}/raw.jsonl");
    return 0;
}
catch (Exception e) when (e is InvalidOperationException or ArgumentException or IOException)
{
    Console.Error.WriteLine($"bench: {e.Message}");
    return 1;
}

/// <summary>What the command line says.</summary>
internal sealed record Settings(string Timur, string Peers, string Out, int Rounds, IReadOnlySet<string> Only)
{
    private static readonly string[] Names = ["start", "exec", "crowd", "oci-run", "oci-life", "oci-exec", "memory", "list"];

    internal static Settings Parse(string[] words)
    {
        var values = new Dictionary<string, string>();
        for (int i = 0; i + 1 < words.Length; i += 2)
        {
            values[words[i]] = words[i + 1];
        }

        string[] only = values.TryGetValue("--only", out string? list) ? list.Split(',') : [];
        string? unknown = values.Keys.FirstOrDefault(key => key is not ("--timur" or "--peers" or "--out" or "--rounds" or "--only"))
            ?? only.FirstOrDefault(name => !Names.Contains(name)) ?? (words.Length % 2 == 0 ? null : words[^1]);
        if (unknown is not null)
        {
            throw new ArgumentException($"'{unknown}' isn't known: [--rounds N] [--only {string.Join(',', Names)}] [--out DIR]");
        }

        int rounds = values.TryGetValue("--rounds", out string? count) ? int.Parse(count) : 200;
        return new Settings(values["--timur"], values["--peers"], values["--out"], Math.Max(rounds, 2), only.ToHashSet());
    }
}
