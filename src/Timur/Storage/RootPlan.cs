using Timur.Kernel;

namespace Timur.Storage;

/// <summary>
/// A mount for the launch program to make in the container's own mount namespace: the host never sees it, and it ends with the container.
/// </summary>
/// <param name="Type">File system type, <c>bind</c>, or <c>detached</c> for the plan's mount that exists already.</param>
/// <param name="Target">A host directory that exists.</param>
/// <param name="Options">Options of the file system; a null value is a flag.</param>
public sealed record MountStep(string Type, string Source, string Target, MountAttributes Attributes, IReadOnlyList<KeyValuePair<string, string?>> Options);

/// <summary>How a container's root comes to be.</summary>
/// <param name="Steps">Mounts, in order.</param>
/// <param name="Root">Host path that is the container's root after the steps.</param>
/// <param name="Keep">Descriptors that the launching process holds until the mounts are made (a loop device with autoclear).</param>
public sealed record RootPlan(IReadOnlyList<MountStep> Steps, string Root, IReadOnlyList<Fd> Keep) : IDisposable
{
    /// <summary>
    /// A mount made here and attached nowhere: a disk has to be mounted before the container's device rules apply to the mounting process.
    /// </summary>
    public Fd? Detached { get; init; }

    public void Dispose()
    {
        Detached?.Dispose();
        foreach (Fd fd in Keep)
        {
            fd.Dispose();
        }
    }
}
