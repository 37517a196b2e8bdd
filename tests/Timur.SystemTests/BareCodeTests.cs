using Xunit;

namespace Timur.SystemTests;

public class BareCodeTests
{
    private const string Kernel = "Timur_Kernel_Timur_Kernel_";
    private const string Child = Kernel + "Launcher_Child__";
    private const string SignalPipe = Kernel + "SignalPipe__";
    private const string SignalPipeStatics = "__NONGCSTATICS" + Kernel + "SignalPipe";

    private static readonly NativeCode Code = new(TimurCommand.Path);

    [MachineCodeFact]
    public void The_child_of_a_launch_calls_nothing_but_itself_and_the_kernel()
    {
        (IReadOnlyCollection<string> functions, IReadOnlyList<string> faults) = BareCode.Judge(Code, Child + "Run", Child, "%rdx");
        Assert.True(faults.Count == 0, string.Join('\n', faults));

        // What no call reaches is no part of the child, or has been inlined; the pseudo-operations are too large for that.
        Assert.Superset(new HashSet<string> { Child + "Run", Child + "ExecutePseudo", Child + "StayAsReaper" }, new HashSet<string>(functions));
        Assert.Equal(Code.Functions.Where(name => name.StartsWith(Child, StringComparison.Ordinal)).Order(), functions.Order());
    }

    [MachineCodeFact]
    public void The_signal_handler_calls_nothing_but_the_kernel()
    {
        IReadOnlyList<string> faults = BareCode.Judge(Code, SignalPipe + "Note", SignalPipe + "Note", null, SignalPipeStatics).Faults;
        Assert.True(faults.Count == 0, string.Join('\n', faults));
    }

    [MachineCodeFact]
    public void Code_that_allocates_clears_memory_or_waits_for_the_collector_is_recognised()
    {
        IReadOnlyList<string> allocates = BareCode.Judge(Code, SignalPipe + "_ctor", SignalPipe + "_ctor").Faults;
        Assert.Contains(allocates, fault => fault.Contains("goes to RhpNew", StringComparison.Ordinal));
        Assert.Contains(allocates, fault => fault.Contains("touches " + SignalPipeStatics, StringComparison.Ordinal));
        IReadOnlyList<string> calls = BareCode.Judge(Code, Kernel + "Launcher_Launching__NewContext", Kernel + "Launcher_Launching__NewContext").Faults;
        Assert.Contains(calls, fault => fault.EndsWith("goes to RhpPInvoke", StringComparison.Ordinal));
        Assert.Contains(calls, fault => fault.Contains("a pointer says", StringComparison.Ordinal));
        IReadOnlyList<string> withoutContext = BareCode.Judge(Code, Child + "Run", Child, "%rbp").Faults;
        Assert.Contains(withoutContext, fault => fault.Contains("something else than the context", StringComparison.Ordinal));
    }

    /// <summary>A variable that the handler may touch is one that the child may not.</summary>
    [MachineCodeFact]
    public void A_static_variable_is_recognised()
        => Assert.NotEmpty(BareCode.Judge(Code, SignalPipe + "Note", SignalPipe + "Note").Faults);
}
