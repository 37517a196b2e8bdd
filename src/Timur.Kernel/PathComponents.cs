namespace Timur.Kernel;

/// <summary>Paths as bytes, taken apart and put together.</summary>
internal static class PathComponents
{
    /// <summary>Without empty ones and ".".</summary>
    internal static List<byte[]> Split(byte[] path)
    {
        var components = new List<byte[]>();
        int start = 0;
        for (int i = 0; i <= path.Length; i++)
        {
            if (i == path.Length || path[i] == '/')
            {
                byte[] component = path[start..i];
                start = i + 1;
                if (component is not ([] or [(byte)'.']))
                {
                    components.Add(component);
                }
            }
        }

        return components;
    }

    internal static byte[] Join(List<byte[]> components)
    {
        var path = new List<byte>();
        foreach (byte[] component in components)
        {
            path.AddRange(path.Count > 0 ? "/"u8 : []);
            path.AddRange(component);
        }

        return [.. path];
    }
}
