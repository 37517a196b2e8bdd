namespace Timur.Images.Registry.Configuration;

/// <summary>Which names a mirror is asked for.</summary>
internal enum MirrorUse
{
    All,
    DigestOnly,
    TagOnly,
}

/// <summary>One place to get images from, below a <c>[[registry]]</c>.</summary>
/// <param name="Location">Takes the place of the rule's prefix in names.</param>
internal sealed record Mirror(string Location, bool IsInsecure, MirrorUse Use)
{
    internal static Mirror Read(TomlPart part, bool digestOnly) => new(
        part.Text("location") ?? throw part.Complain("a mirror has no location"),
        part.Flag("insecure"),
        part.Text("pull-from-mirror") switch
        {
            null => digestOnly ? MirrorUse.DigestOnly : MirrorUse.All,
            "all" => MirrorUse.All,
            "digest-only" => MirrorUse.DigestOnly,
            "tag-only" => MirrorUse.TagOnly,
            { } other => throw part.Complain($"pull-from-mirror is '{other}', and may be all, digest-only or tag-only"),
        });

    internal bool Serves(bool byDigest) => Use == MirrorUse.All || (Use == MirrorUse.DigestOnly) == byDigest;
}

/// <summary>A <c>[[registry]]</c>: what holds for names that begin with its prefix (containers-registries.conf(5)).</summary>
/// <param name="Prefix"><c>HOST[:PORT][/PATH][:TAG|@DIGEST]</c>, or <c>*.DOMAIN</c>.</param>
/// <param name="Location">Takes the prefix's place; null leaves names as they are.</param>
/// <param name="Place">File and line.</param>
internal sealed record RegistryRule(string Prefix, string? Location, bool IsInsecure, bool IsBlocked, IReadOnlyList<Mirror> Mirrors, string Place)
{
    internal static RegistryRule Read(TomlPart part)
    {
        string? location = part.Text("location")?.TrimEnd('/');
        string prefix = part.Text("prefix") ?? location ?? throw part.Complain("a registry has neither prefix nor location");
        bool digestOnly = part.Flag("mirror-by-digest-only");
        if (prefix.Contains("://", StringComparison.Ordinal) || location?.Contains("://", StringComparison.Ordinal) == true)
        {
            throw part.Complain($"'{location ?? prefix}' is an address; only its host and path belong here");
        }

        return new RegistryRule(
            prefix.TrimEnd('/'), location, part.Flag("insecure"), part.Flag("blocked"), [.. part.List("mirror").Select(mirror => Mirror.Read(mirror, digestOnly))], part.Place);
    }

    /// <summary>How many characters of the name the prefix covers; 0 when it doesn't fit.</summary>
    internal int Covers(string name)
    {
        if (Prefix.StartsWith("*.", StringComparison.Ordinal))
        {
            int slash = name.IndexOf('/');
            string host = (slash < 0 ? name : name[..slash]).Split(':')[0];
            return host.EndsWith(Prefix[1..], StringComparison.Ordinal) && host.Length > Prefix.Length - 1 ? host.Length : 0;
        }

        return name.StartsWith(Prefix, StringComparison.Ordinal) && (name.Length == Prefix.Length || name[Prefix.Length] is '/' or ':' or '@') ? Prefix.Length : 0;
    }

    /// <summary>Mirrors first, then the registry itself.</summary>
    internal IEnumerable<RegistrySource> Sources(string name, bool byDigest)
    {
        string rest = name[Covers(name)..];
        foreach (Mirror mirror in Mirrors.Where(mirror => mirror.Serves(byDigest)))
        {
            yield return new RegistrySource(mirror.Location.TrimEnd('/') + rest, mirror.IsInsecure, IsMirror: true);
        }

        yield return Itself(name);
    }

    internal RegistrySource Itself(string name) => new(Location is null ? name : Location + name[Covers(name)..], IsInsecure, IsMirror: false);
}
