namespace Timur.Engine;

/// <summary><c>--log-opt max-size=SIZE</c> and <c>max-file=N</c>.</summary>
internal static class LogOptions
{
    private const long DefaultSize = 16 << 20;
    private const int DefaultFiles = 3;

    internal static (long Size, int Files) Parse(IReadOnlyList<string> options)
    {
        long size = DefaultSize;
        int files = DefaultFiles;
        foreach (string option in options)
        {
            string value = option[(option.IndexOf('=') + 1)..];
            if (option.StartsWith("max-size=", StringComparison.Ordinal))
            {
                size = value == "-1" ? 0 : ByteSize.Parse(value, "--log-opt max-size").Bytes;
            }
            else if (option.StartsWith("max-file=", StringComparison.Ordinal) && int.TryParse(value, out int count) && count >= 1)
            {
                files = count;
            }
            else
            {
                throw new Failure($"--log-opt: '{option}' is unknown", "use max-size=SIZE and max-file=N");
            }
        }

        return (size, files);
    }
}
