namespace Timur.Bench.Candidates;

/// <summary>
/// What this project began as, a student's scripts: an image file written by dd, mkfs.ext4 with its defaults, a buffered loop device, the tree copied into
/// it, and unshare(1) with chroot(1).
/// </summary>
internal sealed class StudentsCandidate() : Candidate("students", "the students' setup")
{
    private string _root = "";

    internal override string Storage => "ext4 on a buffered loop device, the file written by dd";

    internal override void Prepare(Workplace work, BenchImage image, Needs needs)
    {
        Version = work.Do("unshare", "--version");
        _root = work.Folder("students/root");
        string file = $"{work.Directory}/students/disk.img";
        int mebibytes = needs.FileMebibytes + (needs.FileMebibytes / 10) + 1024;
        work.Do(TimeSpan.FromMinutes(10), "dd", "if=/dev/zero", $"of={file}", "bs=1M", $"count={mebibytes}");
        work.Do(TimeSpan.FromMinutes(5), "mkfs.ext4", "-q", "-F", file);
        work.Do("mount", "-o", "loop", file, _root);
        work.Do(TimeSpan.FromMinutes(10), "cp", "--archive", "--one-file-system", image.Tree + "/.", _root);
        Kernel.Directories.Create(_root + Place);
    }

    internal override string[] Inside(params string[] words)
        => ["unshare", "--mount", "--uts", "--ipc", "--net", "--pid", "--fork", "--kill-child", "chroot", _root, "/bin/sh", "-c", "cd /bench && exec \"$@\"", "sh", .. words];

    internal override string[]? Start(int number, bool network) => network ? null : Inside("true");
}
