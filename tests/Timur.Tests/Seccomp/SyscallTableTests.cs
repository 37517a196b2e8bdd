using System.Text;
using Timur.Runtime.Seccomp;
using Xunit;

namespace Timur.Tests.Seccomp;

public class SyscallTableTests
{
    private static readonly string[] AllNames = Encoding.UTF8.GetString(SyscallTable.Names).Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries);

    [Theory]
    [InlineData(nameof(FilterArchitecture.X64), 350)]
    [InlineData(nameof(FilterArchitecture.X86), 400)]
    [InlineData(nameof(FilterArchitecture.X32), 340)]
    [InlineData(nameof(FilterArchitecture.Arm64), 290)]
    public void Every_number_is_the_kernel_headers(string architectureName, int atLeast)
    {
        var architecture = Enum.Parse<FilterArchitecture>(architectureName);
        Dictionary<string, int> headers = SyscallHeaders.Read(architecture);
        Assert.True(headers.Count >= atLeast, $"{headers.Count} names in the headers");
        Assert.Equal(
            headers.OrderBy(pair => pair.Value).Select(pair => $"{pair.Key} {pair.Value}"),
            headers.OrderBy(pair => pair.Value).Select(pair => $"{pair.Key} {SyscallTable.Find(pair.Key, architecture)}"));

        // What the headers don't know is newer than they are; x32's own numbers from 512 on are closed. uretprobe (6.11) took x86-64's last old number.
        int highest = headers.Values.Select(number => number & 0x3ff).Where(number => number < 512).Max();
        Assert.DoesNotContain(AllNames, name => name != "uretprobe" && SyscallTable.Find(name, architecture) is >= 0 and int number && (number & 0x3ff) <= highest && !headers.ContainsKey(name));
    }

    [Fact]
    public void Names_are_found_whichever_way_the_search_goes_and_nothing_else_is()
    {
        Assert.Equal(AllNames.Order(StringComparer.Ordinal), AllNames);
        Assert.All(AllNames, name => Assert.Contains(Enum.GetValues<FilterArchitecture>(), architecture => SyscallTable.Find(name, architecture) >= 0));
        foreach (string name in new[] { "", "rea", "readd", "READ", "zzz", "_", new string('x', 100), "read " })
        {
            Assert.DoesNotContain(Enum.GetValues<FilterArchitecture>(), architecture => SyscallTable.Find(name, architecture) >= 0);
        }
    }
}
