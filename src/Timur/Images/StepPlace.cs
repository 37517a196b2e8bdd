namespace Timur.Images;

/// <summary>Where steps of builds are kept for other machines: a repository of a registry, or a directory.</summary>
public sealed record StepPlace
{
    public StepPlace(ImageName repository) => Repository = repository;

    /// <param name="directory">Absolute; it is made when it isn't there.</param>
    public StepPlace(string directory) => Directory = directory;

    public ImageName? Repository { get; }

    public string? Directory { get; }

    public override string ToString() => Directory ?? Repository!.Value.Full;
}
