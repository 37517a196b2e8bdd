using System.Diagnostics;
using Timur.Build.Dockerfiles;
using Timur.Kernel;

namespace Timur.Build;

/// <summary>A git repository: <c>ADDRESS.git[#REFERENCE[:DIRECTORY]]</c>.</summary>
/// <param name="Reference">A branch, tag or commit; null is what the repository calls HEAD.</param>
/// <param name="Directory">The part of it that counts; empty is all.</param>
public sealed record GitSource(string Address, string? Reference, string Directory)
{
    /// <summary>Null when the text isn't one.</summary>
    public static GitSource? TryParse(string text)
    {
        int hash = text.IndexOf('#');
        string address = hash < 0 ? text : text[..hash];
        bool isGit = address.StartsWith("git://", StringComparison.Ordinal) || address.StartsWith("git@", StringComparison.Ordinal)
            || (address.EndsWith(".git", StringComparison.Ordinal) && (address.Contains("://", StringComparison.Ordinal)));
        if (!isGit)
        {
            return null;
        }

        string[] parts = hash < 0 ? [] : text[(hash + 1)..].Split(':', 2);
        return new GitSource(address, parts.Length > 0 && parts[0].Length > 0 ? parts[0] : null, parts.Length > 1 ? parts[1] : "");
    }

    /// <summary>Brings its files into an empty directory by the machine's git.</summary>
    /// <param name="commit">What the commit has to be, or null.</param>
    public void Fetch(string directory, string? commit, bool keepsGit, Place? at = null)
    {
        Git(at, "init", "-q", directory);
        Git(at, "-C", directory, "fetch", "-q", "--depth", "1", "--", Address, Reference ?? "HEAD");
        Git(at, "-C", directory, "-c", "advice.detachedHead=false", "checkout", "-q", "FETCH_HEAD");
        string head = Git(at, "-C", directory, "rev-parse", "HEAD").Trim();
        if (commit is not null && !head.StartsWith(commit, StringComparison.Ordinal))
        {
            throw Error(at, $"{Address} has the commit {head}, and --checksum wants {commit}", "name the commit in the address, behind #");
        }

        if (Files.Exists(directory + "/.gitmodules"))
        {
            Git(at, "-C", directory, "submodule", "--quiet", "update", "--init", "--recursive", "--depth", "1");
        }

        if (!keepsGit)
        {
            Directories.RemoveTree(directory + "/.git");
        }
    }

    private string Git(Place? at, params string[] words)
    {
        var start = new ProcessStartInfo("git", words) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        start.Environment["GIT_TERMINAL_PROMPT"] = "0";
        try
        {
            using Process git = Process.Start(start)!;
            git.StandardInput.Close();
            Task<string> errors = git.StandardError.ReadToEndAsync();
            string output = git.StandardOutput.ReadToEnd();
            git.WaitForExit();
            return git.ExitCode == 0 ? output : throw Error(at, $"{Address} can't be fetched: {errors.Result.Trim()}", "check the address, the reference behind #, and the network");
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new Failure($"{Address} is a git repository, and this machine has no git", "install it: apt-get install git", cause: e);
        }
    }

    private static Failure Error(Place? at, string what, string advice) => at?.Error(what, advice) ?? new Failure(what, advice);
}
