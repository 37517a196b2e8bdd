using Timur.Build.Dockerfiles;

namespace Timur.Build;

/// <summary>The stages that a stage will wait for, as far as its text tells.</summary>
internal static class StageNeeds
{
    internal static IEnumerable<Stage> Of(ImageBuild build, Stage stage)
    {
        var expansion = new Expansion(build.Arguments.Global, build.Options.Dockerfile.Escape, stage.From.At);
        IEnumerable<string?> names =
        [
            expansion.Word(stage.From.Image),
            .. stage.Instructions.OfType<CopyInstruction>().Select(copy => copy.From),
            .. stage.Instructions.OfType<RunInstruction>().SelectMany(run => run.Mounts).Select(From),
        ];
        return names.OfType<string>().Select(name => build.FindStage(name, stage.Index)).OfType<Stage>().Distinct();
    }

    private static string? From(string mount) => mount.Split(',').FirstOrDefault(part => part.StartsWith("from=", StringComparison.Ordinal))?["from=".Length..];
}
