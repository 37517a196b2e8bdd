using System.Runtime.InteropServices;

namespace Timur.Kernel;

/// <summary>An open file descriptor, closed when disposed. Opened close-on-exec everywhere in this assembly.</summary>
public sealed class Fd : SafeHandle
{
    public Fd(int raw, bool owns = true)
        : base(-1, owns) => SetHandle(raw);

    public override bool IsInvalid => handle < 0;

    /// <summary>The number; for messages, <c>/proc/self/fd</c> paths and this assembly.</summary>
    public int Raw => (int)handle;

    /// <summary><c>/proc/self/fd/N</c>.</summary>
    public string ProcPath => $"/proc/self/fd/{Raw}";

    protected override bool ReleaseHandle()
    {
        Sys.Call(Nr.close, handle);
        return true;
    }
}
