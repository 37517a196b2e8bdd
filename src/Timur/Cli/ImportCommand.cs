using System.Text.Json;
using Timur.CommandLine;
using Timur.Images;
using Timur.Oci;

namespace Timur.Cli;

/// <summary><c>timur import</c>: make an image from an archive of a root file system.</summary>
internal static class ImportCommand
{
    internal static readonly Option[] Options =
    [
        Option.List("change", "INSTRUCTION", "CMD, ENTRYPOINT, ENV, WORKDIR, USER, LABEL, EXPOSE, VOLUME or STOPSIGNAL as in a Dockerfile", 'c'),
        Option.Value("message", "TEXT", "note in the image's history", 'm'),
    ];

    internal static int Run(CommandContext context, Arguments arguments)
    {
        context.RequireRoot();
        if (arguments.Operands.Count is 0 or > 2)
        {
            throw new Failure("import needs FILE|- [NAME]", "for example: timur import rootfs.tar.gz myimage");
        }

        string file = arguments.Operands[0];
        ImageConfig config = arguments.Texts("change").Aggregate(new ImageConfig { Env = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"] }, Change);
        ImageName? name = arguments.Operands.Count == 2 ? ImageName.Parse(arguments.Operands[1]) : null;
        using Stream archive = Open(file);
        Image image = new ImageImport(new ImageStore(context.Paths)).Import(archive, config, name, arguments.Text("message") ?? $"timur import {file}");
        context.Out($"sha256:{image.Id}");
        BudgetNote.Keep(context, image.Id);
        return 0;
    }

    /// <summary>A file, or standard input for <c>-</c>.</summary>
    internal static Stream Open(string file)
    {
        try
        {
            return file == "-" ? Console.OpenStandardInput() : new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.Read, 128 * 1024);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new Failure($"import {file}: {e.Message}", "give a .tar, .tar.gz or .tar.zst file, or - for standard input", cause: e);
        }
    }

    private static ImageConfig Change(ImageConfig config, string instruction)
    {
        int space = instruction.IndexOf(' ');
        string word = (space < 0 ? instruction : instruction[..space]).ToUpperInvariant();
        string value = space < 0 ? "" : instruction[(space + 1)..].Trim();
        return word switch
        {
            "CMD" => config with { Cmd = Words(value) },
            "ENTRYPOINT" => config with { Entrypoint = Words(value) },
            "ENV" => config with { Env = [.. config.Env, value.Contains('=') ? value : value.Replace(' ', '=')] },
            "WORKDIR" => config with { WorkingDir = value },
            "USER" => config with { User = value },
            "EXPOSE" => config with { ExposedPorts = [.. config.ExposedPorts, value.Contains('/') ? value : value + "/tcp"] },
            "VOLUME" => config with { Volumes = [.. config.Volumes, .. value.StartsWith('[') ? Words(value) : value.Split(' ', StringSplitOptions.RemoveEmptyEntries)] },
            "STOPSIGNAL" => config with { StopSignal = value },
            "LABEL" => config with { Labels = new Dictionary<string, string>(config.Labels) { [value.Split('=')[0]] = value[(value.IndexOf('=') + 1)..].Trim('"') } },
            _ => throw new Failure($"--change: '{word}' can't be set on an image", "known: CMD ENTRYPOINT ENV WORKDIR USER EXPOSE VOLUME STOPSIGNAL LABEL"),
        };
    }

    /// <summary>The JSON form, or a line for the shell.</summary>
    private static string[] Words(string value)
    {
        if (!value.StartsWith('['))
        {
            return ["/bin/sh", "-c", value];
        }

        try
        {
            using JsonDocument json = JsonDocument.Parse(value);
            return [.. json.RootElement.EnumerateArray().Select(word => word.GetString() ?? "")];
        }
        catch (JsonException e)
        {
            throw new Failure($"--change: {value} isn't a JSON list", "for example: --change 'CMD [\"sh\", \"-l\"]'", cause: e);
        }
    }
}
