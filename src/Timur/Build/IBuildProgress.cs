namespace Timur.Build;

/// <summary>A step of a build as messages name it.</summary>
/// <param name="Stage">The stage's name; empty when there is only one.</param>
/// <param name="Number">Counted from 1 in each stage.</param>
/// <param name="Total">Steps of the stage.</param>
public sealed record StepTitle(string Stage, int Number, int Total, string Text)
{
    public override string ToString() => $"[{(Stage.Length == 0 ? "" : Stage + " ")}{Number}/{Total}]";
}

/// <summary>How a step ended.</summary>
public enum StepEnd
{
    /// <summary>It was done.</summary>
    Done,

    /// <summary>An earlier build had done it.</summary>
    Cached,

    /// <summary>It failed, or the build was cancelled.</summary>
    Failed,
}

/// <summary>Hears how a build goes on; stages call it from threads of their own.</summary>
public interface IBuildProgress
{
    void Begin(StepTitle step);

    /// <summary>No earlier build had done it: it is being done.</summary>
    void Work(StepTitle step);

    /// <summary>What the step's command writes, as it comes.</summary>
    void Output(StepTitle step, ReadOnlySpan<byte> bytes);

    void End(StepTitle step, StepEnd how, TimeSpan time);

    /// <summary>A line for a person.</summary>
    void Say(string line);

    /// <summary>The terminal belongs to somebody else from now on.</summary>
    void StepAside();
}
