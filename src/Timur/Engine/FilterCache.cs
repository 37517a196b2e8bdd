using Timur.Oci;
using Timur.Runtime.Seccomp;
using Timur.State;

namespace Timur.Engine;

/// <summary>Compiled seccomp filters.</summary>
internal static class FilterCache
{
    internal static byte[] Get(DataPaths paths, LinuxSeccomp profile) => FilterCompiler.Compile(profile);
}
