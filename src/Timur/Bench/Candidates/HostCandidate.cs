namespace Timur.Bench.Candidates;

/// <summary>
/// This machine itself. The programs are the image's own files, started by the image's loader with the image's libraries: the same bytes run in every
/// candidate. A second one under another name shows how far equal things differ here.
/// </summary>
internal sealed class HostCandidate(string name, string title) : Candidate(name, title)
{
    private BenchImage _image = null!;
    private string _place = "";

    internal override string Storage => "this machine's file system";

    internal override string? WorkingDirectory => _place;

    internal override void Prepare(Workplace work, BenchImage image, Needs needs)
    {
        _image = image;
        _place = work.Folder(Name);
        Version = Kernel.Files.TryReadText("/proc/sys/kernel/osrelease", out _) ?? "";
    }

    internal override string[] Inside(params string[] words) => [.. _image.OnHost(words[0]), .. words[1..]];

    /// <summary>What a process costs without any container.</summary>
    internal override string[]? Start(int number, bool network) => network ? null : _image.OnHost("true");
}
