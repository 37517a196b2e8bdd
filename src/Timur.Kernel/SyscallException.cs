namespace Timur.Kernel;

/// <summary>A system call failed in a way its caller did not expect: names the call, the target and the reason.</summary>
public sealed class SyscallException(string call, Errno errno, string? target = null)
    : Exception(target is null ? $"{call}: {errno.Describe()}" : $"{call} {target}: {errno.Describe()}")
{
    /// <summary>The call as a person would name it, such as <c>mount(bind)</c>.</summary>
    public string Call { get; } = call;

    /// <summary>The kernel's reason.</summary>
    public Errno Errno { get; } = errno;

    /// <summary>The path, link, process or other object that the call was about.</summary>
    public string? Target { get; } = target;
}
