using System.Text;
using Timur.Kernel;
using Timur.Runtime.Containers;

namespace Timur.Cli.Oci;

/// <summary>What every verb of the OCI runtime has.</summary>
internal sealed class OciContext(StateRoot root, RuntimeLog log, string criu, CgroupManager cgroupManager)
{
    internal StateRoot Root => root;

    internal RuntimeLog Log => log;

    internal CgroupManager CgroupManager => cgroupManager;

    /// <summary>criu's program: a path, or a name to look for in PATH.</summary>
    internal string Criu => criu;

    /// <summary>A line on standard output.</summary>
    internal static void Line(string line) => Text(line + "\n");

    internal static void Text(string text)
    {
        if (!Files.TryWrite(Descriptors.Standard(1), Encoding.UTF8.GetBytes(text), out Errno why) && why != Errno.EPIPE)
        {
            throw new SyscallException("write", why, "output");
        }
    }
}
