namespace Timur.Runtime;

/// <summary>Lists such as <c>0-3,7</c> as bits, lowest first (cpuset(7), List format).</summary>
internal static class CpuList
{
    private const int Most = 8192;

    /// <summary>Whole words of 64 bits; empty for an empty list.</summary>
    internal static byte[] Parse(string text, string member)
    {
        byte[] bits = [];
        foreach (string range in text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            string[] ends = range.Split('-');
            if (ends.Length > 2 || !int.TryParse(ends[0], out int first) || !int.TryParse(ends[^1], out int last) || first < 0 || first > last || last >= Most)
            {
                throw new Failure($"{member}: '{text}' isn't a list such as 0-3,7");
            }

            int words = (last / 64) + 1;
            Array.Resize(ref bits, Math.Max(bits.Length, words * 8));
            for (int i = first; i <= last; i++)
            {
                bits[i / 8] |= (byte)(1 << (i % 8));
            }
        }

        return bits;
    }
}
