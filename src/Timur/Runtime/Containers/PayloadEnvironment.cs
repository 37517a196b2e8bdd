using Timur.Kernel;

namespace Timur.Runtime.Containers;

/// <summary>The environment of a process as other runtimes make it of what a configuration says: each name once, its last value, and HOME.</summary>
internal static class PayloadEnvironment
{
    private const string Home = "HOME=";

    /// <summary>From so many on, names are looked up instead of compared.</summary>
    private const int Many = 64;

    /// <param name="root">The container's root, whose passwd(5) knows the home directory when there is none, or an empty one.</param>
    internal static IReadOnlyList<string> Complete(IReadOnlyList<string> environment, uint user, Fd root)
    {
        var kept = new List<string>(environment.Count + 1);
        HashSet<string>? names = environment.Count > Many ? [] : null;
        string? home = null;
        for (int i = environment.Count - 1; i >= 0; i--)
        {
            string variable = environment[i];
            ReadOnlySpan<char> assigned = Assigned(variable);
            if (assigned is Home)
            {
                if (home is null && variable.Length > Home.Length)
                {
                    kept.Add(variable);
                }

                home ??= variable;
            }
            else if (names is null ? !IsAmong(kept, assigned) : names.Add(assigned.ToString()))
            {
                kept.Add(variable);
            }
        }

        kept.Reverse();
        if (home is null or Home)
        {
            kept.Add(Home + HomeDirectory.Of(user, root));
        }

        return kept;
    }

    private static bool IsAmong(List<string> variables, ReadOnlySpan<char> assigned)
    {
        foreach (string variable in variables)
        {
            if (variable.AsSpan().StartsWith(assigned, StringComparison.Ordinal))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The name with its equals sign.</summary>
    private static ReadOnlySpan<char> Assigned(string variable)
    {
        int equals = variable.IndexOf('=');
        return equals switch
        {
            < 0 => throw new Failure($"invalid environment variable '{variable}': missing '='", exitCode: 1),
            0 => throw new Failure($"invalid environment variable '{variable}': name cannot be empty", exitCode: 1),
            _ => variable.AsSpan(0, equals + 1),
        };
    }
}
