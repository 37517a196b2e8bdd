namespace Timur.Tests.House;

/// <summary>The table of ARCHITECTURE.md: which room may use which. A room is a folder, or one of the files in src/Timur itself.</summary>
internal sealed class RoomTable
{
    private const string Everyone = "every room";

    private readonly Dictionary<string, List<string>> _rows = [];

    internal static RoomTable Documented { get; } = new(SourceTree.ReadText("ARCHITECTURE.md"));

    /// <param name="document">Text with a table whose header is "room" and "may use"; a word in it that names no room is an error.</param>
    internal RoomTable(string document)
    {
        IEnumerable<string> lines = document.Split('\n').SkipWhile(line => line != "| room | may use |").Skip(2).TakeWhile(line => line.StartsWith('|'));
        foreach (string[] cells in lines.Select(line => line.Trim('|', ' ').Split(" | ")))
        {
            List<string> allowed = [.. cells[1].Split(", ").SelectMany(Expand)];
            foreach (string room in cells[0].Split(", "))
            {
                _rows.Add(room, allowed);
            }
        }

        string[] unknown = [.. _rows.Values.SelectMany(names => names).Where(name => !_rows.ContainsKey(name))];
        if (_rows.Count == 0 || unknown.Length > 0)
        {
            throw new FormatException($"the table of rooms has {_rows.Count} rows and names no row for: {string.Join(", ", unknown)}");
        }
    }

    internal IEnumerable<string> Rooms => _rows.Keys.Where(room => room != Everyone);

    /// <summary>Folders below src that are rooms.</summary>
    internal IEnumerable<string> Folders => Rooms.Where(room => room.Contains('/') || room == "Kernel" || Directory.Exists($"{SourceTree.Root}/src/Timur/{room}"));

    /// <summary>The room of a type: "Kernel/Launcher" for Timur.Kernel.Launcher, the type's own name in namespace Timur.</summary>
    internal static string RoomOf(Type type) => type.Namespace == "Timur" ? type.Name : RoomOf(type.Namespace!);

    internal static string RoomOf(string space) => space["Timur.".Length..].Replace('.', '/');

    internal bool Allows(string user, string used)
        => user == used || Covers(_rows[Everyone], user, used) || (_rows.TryGetValue(user, out List<string>? row) && Covers(row, user, used));

    /// <summary>A room covers those inside it, except for a room that is inside itself.</summary>
    private static bool Covers(List<string> allowed, string user, string used)
        => allowed.Any(name => used == name || (used.StartsWith(name + "/", StringComparison.Ordinal) && !user.StartsWith(name + "/", StringComparison.Ordinal)));

    private IEnumerable<string> Expand(string entry) => entry switch
    {
        "nothing of ours" => [],
        "all of the above" => [.. _rows.Keys],
        _ => [entry],
    };
}
