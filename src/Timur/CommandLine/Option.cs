namespace Timur.CommandLine;

/// <summary>How often an option may be given, and whether it takes a value.</summary>
public enum OptionKind
{
    /// <summary>No value, or <c>=true</c> / <c>=false</c>.</summary>
    Flag,

    /// <summary>One value; the last one counts.</summary>
    Value,

    /// <summary>A value each time it is given.</summary>
    List,

    /// <summary>No value, or one behind <c>=</c>: <c>--pull</c>, <c>--pull=never</c>. Without one it is <c>true</c>.</summary>
    Optional,
}

/// <summary>One option of a command.</summary>
/// <param name="Name">Long name without dashes.</param>
/// <param name="Short">One letter, or null.</param>
/// <param name="ValueName">What the value is, as help shows it.</param>
public sealed record Option(string Name, char? Short, OptionKind Kind, string ValueName, string Help)
{
    public static Option Flag(string name, string help, char? letter = null) => new(name, letter, OptionKind.Flag, "", help);

    public static Option Value(string name, string valueName, string help, char? letter = null) => new(name, letter, OptionKind.Value, valueName, help);

    public static Option List(string name, string valueName, string help, char? letter = null) => new(name, letter, OptionKind.List, valueName, help);

    public static Option Optional(string name, string valueName, string help) => new(name, null, OptionKind.Optional, valueName, help);

    /// <summary>Taken from those whose scripts give it to other engines; here it changes nothing.</summary>
    public bool ChangesNothing { get; private init; }

    /// <summary>A flag or, with <paramref name="valueName"/>, a value that other engines know and that changes nothing here.</summary>
    public static Option Taken(string name, string valueName = "") => (valueName.Length == 0 ? Flag(name, "") : List(name, valueName, "")) with { ChangesNothing = true };

    /// <summary>The name under which people type it first, such as <c>-m</c> or <c>--memory</c>.</summary>
    public string Display => Short is { } letter ? $"-{letter}, --{Name}" : $"    --{Name}";
}
