namespace Timur;

internal static class Program
{
    private static int Main(string[] args)
    {
        Console.Error.WriteLine($"timur: nothing to do for {args.Length} arguments");
        return 125;
    }
}
