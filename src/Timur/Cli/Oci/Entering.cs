using Timur.Kernel;

namespace Timur.Cli.Oci;

/// <summary>What comes before a verb that enters a container.</summary>
internal static class Entering
{
    /// <summary>
    /// The payload may be a link to /proc/self/exe, or a script whose interpreter is: then this very program is executed inside, and no process of ours
    /// guards its file (CVE-2019-5736). Where the payload's image doesn't rule that out, it is executed through a read-only mount from the start.
    /// </summary>
    internal static void Protect(bool disguised)
    {
        if (!disguised && !OwnProgram.IsReadOnly)
        {
            OwnProgram.ExecuteReadOnly();
        }
    }
}
