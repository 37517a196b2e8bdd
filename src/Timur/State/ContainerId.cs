using Timur.Kernel;

namespace Timur.State;

/// <summary>64 lower-case hexadecimal digits; shown as the first 12.</summary>
public readonly record struct ContainerId
{
    private ContainerId(string text) => Text = text;

    /// <summary>All 64 digits.</summary>
    public string Text { get; }

    /// <summary>The first 12 digits.</summary>
    public string Short => Text[..12];

    /// <summary>A new random id (getrandom(2)).</summary>
    public static ContainerId Create()
    {
        Span<byte> bytes = stackalloc byte[32];
        KernelRandom.Fill(bytes);
        return new ContainerId(Convert.ToHexStringLower(bytes));
    }

    /// <summary>Accepts exactly 64 lower-case hexadecimal digits.</summary>
    public static bool TryParse(string text, out ContainerId id)
    {
        bool valid = text.Length == 64 && text.AsSpan().IndexOfAnyExcept("0123456789abcdef") < 0;
        id = valid ? new ContainerId(text) : default;
        return valid;
    }

    /// <summary>As <see cref="TryParse"/>, for ids that this program wrote itself.</summary>
    public static ContainerId Parse(string text) => TryParse(text, out ContainerId id) ? id : throw new FormatException($"'{text}' isn't a container id");

    public override string ToString() => Text;
}
