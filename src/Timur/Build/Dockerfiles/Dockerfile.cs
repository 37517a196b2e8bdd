namespace Timur.Build.Dockerfiles;

/// <summary>A part of a Dockerfile that starts with FROM.</summary>
/// <param name="Index">Counted from 0; later stages may name it by this.</param>
public sealed record Stage(int Index, FromInstruction From, IReadOnlyList<Instruction> Instructions)
{
    /// <summary>As messages call it.</summary>
    public string Title => From.Name ?? $"stage {Index}";
}

/// <summary>A Dockerfile, or Containerfile, as its text says: nothing is looked up or replaced.</summary>
/// <param name="Globals">ARG before the first FROM: seen by FROM only, until a stage asks for them.</param>
/// <param name="Escape">The escape character.</param>
public sealed record Dockerfile(string File, IReadOnlyList<ArgInstruction> Globals, IReadOnlyList<Stage> Stages, char Escape)
{
    /// <summary>What a file may have: more is refused before it is looked at.</summary>
    private const int LongestText = 8 << 20;

    /// <summary>Reads all of it; the first mistake is a <see cref="Failure"/> that names the line.</summary>
    /// <param name="file">What the text is called in messages.</param>
    public static Dockerfile Parse(string file, string text)
    {
        if (text.Length > LongestText)
        {
            throw new Failure($"{file} is longer than {LongestText >> 20} MiB", "a Dockerfile holds instructions; put files into the context");
        }

        var reader = new DockerfileReader(file, text);
        var parser = new InstructionParser(reader.Escape);
        var globals = new List<ArgInstruction>();
        var stages = new List<Stage>();
        List<Instruction>? current = null;
        foreach (RawInstruction raw in reader.ReadAll())
        {
            Instruction instruction = parser.Parse(raw);
            switch (instruction)
            {
                case FromInstruction from:
                    current = [];
                    stages.Add(new Stage(stages.Count, Named(stages, from), current));
                    break;
                case ArgInstruction arg when current is null:
                    globals.Add(arg);
                    break;
                default:
                    (current ?? throw instruction.At.Error($"{instruction.Keyword} stands before the first FROM", "only ARG may; start with FROM and the image that this one builds on")).Add(instruction);
                    break;
            }
        }

        return stages.Count > 0 ? new Dockerfile(file, globals, stages, reader.Escape)
            : throw new Failure($"{file} has no FROM", "name the image to build on, such as FROM busybox, or FROM scratch for nothing");
    }

    /// <summary>The same with another image where the first FROM names one.</summary>
    public Dockerfile StartingFrom(string image) => this with { Stages = [Stages[0] with { From = Stages[0].From with { Image = image } }, .. Stages.Skip(1)] };

    /// <summary>One instruction from elsewhere: a trigger of an image, or <c>--change</c>.</summary>
    /// <param name="origin">What messages say it comes from.</param>
    public static Instruction ParseOne(string origin, string text)
    {
        var reader = new DockerfileReader(origin, text);
        return reader.ReadAll() is [var raw] ? new InstructionParser(reader.Escape).Parse(raw) : throw new Failure($"{origin}: '{text}' isn't one instruction", "for example ENV MODE=fast");
    }

    private static FromInstruction Named(List<Stage> stages, FromInstruction from)
        => from.Name is { } name && stages.Exists(stage => stage.From.Name == name) ? throw from.At.Error($"there is a stage '{name}' already", "give each stage a name of its own") : from;
}
