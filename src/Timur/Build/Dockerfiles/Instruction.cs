namespace Timur.Build.Dockerfiles;

/// <summary>One instruction (Dockerfile reference). Variables in it are not replaced yet.</summary>
/// <param name="Keyword">In capitals.</param>
public abstract record Instruction(Place At, string Keyword);

/// <summary>A command: words to execute, or one line for the shell.</summary>
public sealed record CommandForm(IReadOnlyList<string> Words, bool IsShell);

public sealed record FromInstruction(Place At, string Image, string? Platform, string? Name) : Instruction(At, "FROM");

/// <param name="Variables">Name, and default or null.</param>
public sealed record ArgInstruction(Place At, IReadOnlyList<(string Name, string? Default)> Variables) : Instruction(At, "ARG");

/// <param name="Script">The here-document that is the whole command; then <paramref name="Command"/> is its text as a line for the shell.</param>
public sealed record RunInstruction(Place At, CommandForm Command, HereDocument? Script, IReadOnlyList<string> Mounts, string? Network, string? Security) : Instruction(At, "RUN");

/// <summary>COPY, or ADD.</summary>
public sealed record CopyInstruction(Place At, bool IsAdd, IReadOnlyList<string> Sources, string Target, IReadOnlyList<HereDocument> Documents) : Instruction(At, IsAdd ? "ADD" : "COPY")
{
    public string? From { get; init; }

    public string? Owner { get; init; }

    public string? Mode { get; init; }

    public string? Checksum { get; init; }

    public bool KeepsParents { get; init; }

    public bool IsLink { get; init; }

    public bool KeepsGit { get; init; }

    /// <summary>Archives are unpacked: null is what the instruction does by itself.</summary>
    public bool? Unpacks { get; init; }

    public IReadOnlyList<string> Excluded { get; init; } = [];
}

public sealed record EnvInstruction(Place At, IReadOnlyList<(string Name, string Value)> Variables) : Instruction(At, "ENV");

public sealed record LabelInstruction(Place At, IReadOnlyList<(string Name, string Value)> Labels) : Instruction(At, "LABEL");

public sealed record ExposeInstruction(Place At, IReadOnlyList<string> Ports) : Instruction(At, "EXPOSE");

public sealed record VolumeInstruction(Place At, IReadOnlyList<string> Directories) : Instruction(At, "VOLUME");

/// <summary>USER, WORKDIR, STOPSIGNAL, MAINTAINER: one text.</summary>
public sealed record TextInstruction(Place At, string Keyword, string Text) : Instruction(At, Keyword);

/// <summary>CMD or ENTRYPOINT.</summary>
public sealed record CommandInstruction(Place At, string Keyword, CommandForm Command) : Instruction(At, Keyword);

public sealed record ShellInstruction(Place At, IReadOnlyList<string> Words) : Instruction(At, "SHELL");

/// <param name="Test">Null is NONE.</param>
public sealed record HealthcheckInstruction(Place At, CommandForm? Test) : Instruction(At, "HEALTHCHECK")
{
    public TimeSpan? Interval { get; init; }

    public TimeSpan? Timeout { get; init; }

    public TimeSpan? StartPeriod { get; init; }

    public TimeSpan? StartInterval { get; init; }

    public int? Retries { get; init; }
}

/// <param name="Text">The instruction for the image that is built from this one.</param>
public sealed record OnBuildInstruction(Place At, string Text) : Instruction(At, "ONBUILD");
