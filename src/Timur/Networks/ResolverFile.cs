using System.Text;
using Timur.Kernel;

namespace Timur.Networks;

/// <summary>What <c>--dns</c>, <c>--dns-search</c> and <c>--dns-option</c> asked for; an empty list keeps the host's.</summary>
public sealed record ResolverRequest(IReadOnlyList<string> Servers, IReadOnlyList<string> Search, IReadOnlyList<string> Options);

/// <summary>A container's resolv.conf (resolv.conf(5)).</summary>
public static class ResolverFile
{
    private const string HostFile = "/etc/resolv.conf";

    // Where systemd-resolved keeps the servers behind its own 127.0.0.53.
    private const string ResolvedFile = "/run/systemd/resolve/resolv.conf";

    /// <summary>The text for a container with a network of its own, following the host's files.</summary>
    /// <param name="warning">Not null when the container will have no name server.</param>
    public static string ForContainer(ResolverRequest request, bool ipv6, out string? warning)
        => Compose(Files.TryReadText(HostFile, out _) ?? "", () => Files.TryReadText(ResolvedFile, out _), request, ipv6, out warning);

    /// <summary>
    /// The host's text with the request applied. Servers on the host's loopback can't be reached from a container: they are left out, and when
    /// none remains, <paramref name="behindLoopback"/> is asked for the text that has the real ones.
    /// </summary>
    internal static string Compose(string host, Func<string?> behindLoopback, ResolverRequest request, bool ipv6, out string? warning)
    {
        Lines lines = Read(host, ipv6);
        if (lines.Servers.Count == 0 && lines.LoopbackOnly && request.Servers.Count == 0 && behindLoopback() is { } real)
        {
            lines = Read(real, ipv6);
        }

        IReadOnlyList<string> servers = request.Servers.Count > 0 ? request.Servers : lines.Servers;

        // A single dot means: search nowhere.
        IReadOnlyList<string> search = request.Search is ["."] ? [] : request.Search.Count > 0 ? request.Search : lines.Search;
        IReadOnlyList<string> options = request.Options.Count > 0 ? request.Options : lines.Options;
        warning = servers.Count > 0 ? null : $"the container has no name server: {HostFile} names none that it can reach; give one with --dns";

        var text = new StringBuilder();
        foreach (string server in servers)
        {
            text.Append("nameserver ").Append(server).Append('\n');
        }

        Append(text, "search", search);
        Append(text, "options", options);
        return text.ToString();
    }

    private static void Append(StringBuilder text, string keyword, IReadOnlyList<string> words)
    {
        if (words.Count > 0)
        {
            text.Append(keyword).Append(' ').AppendJoin(' ', words).Append('\n');
        }
    }

    private static Lines Read(string text, bool ipv6)
    {
        var lines = new Lines([], [], [], false);
        foreach (string line in text.Split('\n'))
        {
            string[] words = line.Split([' ', '\t', '\r'], StringSplitOptions.RemoveEmptyEntries);
            if (words.Length < 2)
            {
                continue;
            }

            switch (words[0])
            {
                case "nameserver" when IsLoopback(words[1]):
                    lines = lines with { LoopbackOnly = true };
                    break;
                case "nameserver" when IsReachable(words[1], ipv6):
                    lines.Servers.Add(words[1]);
                    break;
                case "search" or "domain":
                    lines = lines with { Search = words[1..] };
                    break;
                case "options":
                    lines.Options.AddRange(words[1..]);
                    break;
                default:
                    break;
            }
        }

        return lines;
    }

    private static bool IsLoopback(string server) => server.StartsWith("127.", StringComparison.Ordinal) || server == "::1";

    // A link-local server has a zone (fe80::1%eth0), which names a link that the container doesn't have.
    private static bool IsReachable(string server, bool ipv6) => !server.Contains(':') || (ipv6 && !server.Contains('%'));

    private sealed record Lines(List<string> Servers, IReadOnlyList<string> Search, List<string> Options, bool LoopbackOnly);
}
