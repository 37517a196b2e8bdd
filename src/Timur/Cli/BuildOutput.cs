using Microsoft.Win32.SafeHandles;
using Timur.Build;
using Timur.Images;
using Timur.Kernel;

namespace Timur.Cli;

/// <summary><c>--output</c>: where the files of a build go.</summary>
/// <param name="Destination">A directory, or a file; <c>-</c> is standard output.</param>
internal sealed record BuildOutput(bool IsArchive, string Destination)
{
    internal static BuildOutput Parse(string text)
    {
        if (!text.Contains('='))
        {
            return new BuildOutput(text == "-", text);
        }

        string type = "local";
        string? destination = null;
        foreach (string part in text.Split(','))
        {
            int equals = part.IndexOf('=');
            switch (equals < 0 ? part : part[..equals])
            {
                case "type": type = part[(equals + 1)..]; break;
                case "dest": destination = part[(equals + 1)..]; break;
                default: throw new Failure($"--output: '{part}' isn't known", "write type=local,dest=DIR or type=tar,dest=FILE");
            }
        }

        return type is "local" or "tar" && !string.IsNullOrEmpty(destination) ? new BuildOutput(type == "tar", destination)
            : throw new Failure($"--output {text}: {(type is "local" or "tar" ? "dest is missing" : $"type {type} isn't possible")}", "write type=local,dest=DIR or type=tar,dest=FILE; an image is made without --output, and timur save writes it to a file");
    }

    internal void Write(Fd tree)
    {
        if (!IsArchive)
        {
            string directory = Path.GetFullPath(Destination);
            Directories.Create(directory);
            LayerMaking.CopyInto(tree, directory);
            return;
        }

        try
        {
            using Stream stream = Destination == "-" ? new FileStream(new SafeFileHandle(1, ownsHandle: false), FileAccess.Write, 1) : new FileStream(Destination, FileMode.Create, FileAccess.Write);
            using var buffered = new BufferedStream(stream, 128 * 1024);
            LayerMaking.Write(tree, buffered, SourceDateEpoch.Value);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new Failure($"--output {Destination}: {e.Message}", "give a file that can be written", cause: e);
        }
    }
}
