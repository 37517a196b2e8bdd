using Timur.Oci;
using Timur.Runtime;
using Timur.Runtime.Seccomp;
using Timur.State;

namespace Timur.Engine;

/// <summary>Compiled seccomp filters of the built-in profile, <c>filters/ORIGIN</c>.</summary>
internal static class FilterCache
{
    /// <summary>The filter, an array of struct sock_filter. A cache that can't be read or written is no failure.</summary>
    internal static byte[] Get(DataPaths paths, LinuxSeccomp profile)
    {
        if (profile.Origin is not { } origin)
        {
            return FilterCompiler.Compile(profile);
        }

        string path = $"{paths.Filters}/{origin}";
        if (FilterFile.TryRead(path, []) is { } cached)
        {
            return cached;
        }

        byte[] filter = FilterCompiler.Compile(profile);
        FilterFile.Keep(path, [], filter);
        return filter;
    }
}
