using System.Runtime.InteropServices;
using Xunit;

namespace Timur.SystemTests;

/// <summary>A test that knows x86-64 only; elsewhere it is skipped, and says so.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class MachineCodeFactAttribute : FactAttribute
{
    public MachineCodeFactAttribute() => Skip = MachineCode.WhyNot;
}

/// <inheritdoc cref="MachineCodeFactAttribute"/>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class MachineCodeTheoryAttribute : TheoryAttribute
{
    public MachineCodeTheoryAttribute() => Skip = MachineCode.WhyNot;
}

internal static class MachineCode
{
    internal static string? WhyNot => RuntimeInformation.ProcessArchitecture == Architecture.X64 ? null : "knows x86-64 only";
}
