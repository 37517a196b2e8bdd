using System.Diagnostics;
using Timur.Images.Compression;
using Timur.Oci;

namespace Timur.Images;

/// <summary>Makes an image of a distribution from its own package mirror with mmdebstrap(1); no registry is needed.</summary>
public sealed class ImageBootstrap(ImageStore store)
{
    /// <param name="release">Such as <c>debian:bookworm</c> or <c>ubuntu:noble</c>.</param>
    /// <param name="packages">Packages beside the smallest set.</param>
    /// <param name="progress">Gets a line for each step.</param>
    public Image Bootstrap(string release, IReadOnlyList<string> packages, string? mirror, ImageName? name, Action<string> progress)
    {
        int colon = release.IndexOf(':');
        string distribution = colon < 0 ? release : release[..colon];
        string suite = colon < 0 ? distribution switch
        {
            "debian" => "stable",
            "ubuntu" => "noble",
            _ => throw Unknown(release),
        } : release[(colon + 1)..];
        if (distribution is not ("debian" or "ubuntu"))
        {
            throw Unknown(release);
        }

        // "bookworm-slim" and version numbers are what people know from registries.
        suite = suite switch
        {
            "12" => "bookworm",
            "13" => "trixie",
            "24.04" => "noble",
            "22.04" => "jammy",
            _ => suite.EndsWith("-slim", StringComparison.Ordinal) ? suite[..^5] : suite,
        };
        var arguments = new List<string> { "--variant=minbase", "--mode=root", "--format=tar", "--aptopt=APT::Install-Recommends \"false\"" };
        if (packages.Count > 0)
        {
            arguments.Add($"--include={string.Join(',', packages)}");
        }

        arguments.AddRange([suite, "-"]);
        arguments.AddRange(mirror is null ? MirrorOf(distribution) : [mirror]);
        return Run(arguments, new ImageConfig { Cmd = ["/bin/bash"], Env = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"] },
            name ?? ImageName.Parse($"{distribution}:{suite}"), $"mmdebstrap {distribution} {suite} {string.Join(' ', packages)}".Trim(), progress);
    }

    private Image Run(List<string> arguments, ImageConfig config, ImageName name, string history, Action<string> progress)
    {
        using Process process = Start(arguments);
        var complaints = new List<string>();
        process.ErrorDataReceived += (_, line) =>
        {
            if (line.Data is { Length: > 0 } text)
            {
                complaints.Add(text);
                if (text.StartsWith("I: ", StringComparison.Ordinal))
                {
                    progress(text[3..].TrimEnd('.', ' '));
                }
            }
        };
        process.BeginErrorReadLine();
        Failure? failure = null;
        Image? image = null;
        try
        {
            image = new ImageImport(store).Import(new CheckedOutput(process, complaints), config, name, history);
        }
        catch (Failure e)
        {
            failure = e;
        }

        if (!process.WaitForExit(10_000))
        {
            process.Kill(entireProcessTree: true);
            process.WaitForExit();
        }

        return image ?? throw failure!;
    }

    private static Process Start(List<string> arguments)
    {
        try
        {
            return Process.Start(new ProcessStartInfo("mmdebstrap", arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new Failure("making an image from packages needs mmdebstrap, and this machine has none", "install it: apt-get install mmdebstrap", cause: e);
        }
    }

    /// <summary>A Debian machine's own sources know the mirror that works from here.</summary>
    private static string[] MirrorOf(string distribution)
    {
        string own = File.Exists("/etc/os-release") ? File.ReadAllText("/etc/os-release") : "";
        if (own.Contains($"\nID={distribution}\n", StringComparison.Ordinal) || own.StartsWith($"ID={distribution}\n", StringComparison.Ordinal))
        {
            foreach (string file in Directory.Exists("/etc/apt/sources.list.d") ? Directory.GetFiles("/etc/apt/sources.list.d", "*.sources") : [])
            {
                string? line = Array.Find(File.ReadAllLines(file), line => line.StartsWith("URIs:", StringComparison.Ordinal) && line.Contains($"/{distribution}", StringComparison.Ordinal));
                if (line is not null)
                {
                    return [line["URIs:".Length..].Trim().Split(' ')[0]];
                }
            }
        }

        return [];
    }

    private static Failure Unknown(string release) => new($"'{release}' isn't a distribution that can be bootstrapped", "use debian:SUITE or ubuntu:SUITE, such as debian:bookworm");

    /// <summary>The tool's output, whose end counts only when the tool was successful.</summary>
    private sealed class CheckedOutput(Process process, List<string> complaints) : ForwardStream
    {
        public override int Read(Span<byte> buffer)
        {
            int count = process.StandardOutput.BaseStream.Read(buffer);
            if (count == 0)
            {
                process.WaitForExit();
                if (process.ExitCode != 0)
                {
                    // The first one is what went wrong, those after it what came of that.
                    string reason = complaints.Find(line => line.StartsWith("E: ", StringComparison.Ordinal))?[3..] ?? complaints.LastOrDefault() ?? "no reason given";
                    throw new Failure($"mmdebstrap failed: {reason}", "check the suite, the package names and the mirror (--mirror)");
                }
            }

            return count;
        }
    }
}
