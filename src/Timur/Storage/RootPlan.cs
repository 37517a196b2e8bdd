using Timur.Kernel;

namespace Timur.Storage;

/// <summary>
/// A mount for the launch program to make in the container's own mount namespace: the host never sees it, and it ends with the container.
/// </summary>
/// <param name="Type">File system type, or <c>bind</c>.</param>
/// <param name="Target">A host directory that exists.</param>
/// <param name="Options">Options of the file system; a null value is a flag.</param>
public sealed record MountStep(string Type, string Source, string Target, MountAttributes Attributes, IReadOnlyList<KeyValuePair<string, string?>> Options);

/// <summary>How a container's root comes to be.</summary>
/// <param name="Steps">Mounts, in order.</param>
/// <param name="Root">Host path that is the container's root after the steps.</param>
/// <param name="Keep">Descriptors that the launching process holds until the mounts are made (a loop device with autoclear).</param>
public sealed record RootPlan(IReadOnlyList<MountStep> Steps, string Root, IReadOnlyList<Fd> Keep) : IDisposable
{
    public void Dispose()
    {
        foreach (Fd fd in Keep)
        {
            fd.Dispose();
        }
    }
}
