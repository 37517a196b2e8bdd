using Timur.Kernel;

namespace Timur.Engine;

/// <summary>Names for containers that were given none: an adjective and a person of science or engineering.</summary>
internal static class ContainerNames
{
    private static readonly string[] Adjectives =
    [
        "able", "brave", "brisk", "bright", "calm", "careful", "clever", "curious", "eager", "exact", "fair", "fond", "gentle", "glad", "honest", "keen", "kind",
        "lively", "lucid", "merry", "modest", "nimble", "patient", "plain", "proud", "quick", "quiet", "ready", "serene", "sharp", "steady", "sunny", "swift", "tidy",
        "true", "vivid", "warm", "wise", "witty", "zealous",
    ];

    private static readonly string[] Surnames =
    [
        "abel", "ampere", "babbage", "bell", "bohr", "boole", "curie", "darwin", "dijkstra", "einstein", "euler", "faraday", "fermi", "franklin", "galois", "gauss",
        "germain", "goodall", "hamilton", "hertz", "hopper", "hypatia", "joule", "kepler", "kovalevskaya", "lamarr", "leibniz", "lovelace", "maxwell", "meitner",
        "mendel", "newton", "noether", "pascal", "planck", "ptolemy", "ramanujan", "ritchie", "shannon", "tesla", "torvalds", "turing", "ulugbek", "volta", "watt", "wirth",
    ];

    /// <summary>A random name; with two digits more after the first attempts, when many are taken.</summary>
    internal static string Create(int attempt)
    {
        Span<byte> random = stackalloc byte[3];
        KernelRandom.Fill(random);
        string name = $"{Adjectives[random[0] % Adjectives.Length]}_{Surnames[random[1] % Surnames.Length]}";
        return attempt == 0 ? name : $"{name}{random[2] % 100:00}";
    }
}
