using System.Runtime.InteropServices;

namespace Timur.Kernel.Launcher;

/// <summary>
/// One operation of a launch program: a system call, or one of <see cref="Pseudo"/>'s. Lives in unmanaged memory; the child reads it and nothing else.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct Op
{
    /// <summary>System call number, or a negative <see cref="Pseudo"/> number.</summary>
    internal short Number;

    /// <summary>Bit i: argument i is an offset into the program's text and becomes an address when the program is loaded.</summary>
    internal byte PointerMask;

    /// <summary>Bit i: argument i is the number of a slot, whose value is passed instead.</summary>
    internal byte SlotMask;

    /// <summary>The slot that keeps the result, or -1.</summary>
    internal short Save;

    /// <summary>How many errors of <see cref="Tolerate0"/> and its followers count: 0 to 3.</summary>
    internal byte Tolerated;

    /// <summary>How many operations to leave out after a tolerated error.</summary>
    internal ushort SkipOnError;

    /// <summary>How many operations to leave out after success.</summary>
    internal ushort SkipOnSuccess;

    internal short Tolerate0;
    internal short Tolerate1;
    internal short Tolerate2;
    internal fixed long Arguments[6];
}

/// <summary>Operations that are more than one system call.</summary>
internal static class Pseudo
{
    /// <summary>Tell the parent letter A0 and wait for its answer.</summary>
    internal const short Sync = -1;

    /// <summary>Try execve(2) on each of the paths A0 (null-terminated array) with arguments A1 and environment A2.</summary>
    internal const short Exec = -2;

    /// <summary>Clone: the new process goes on, this one stays as the reaper of its process namespace (<c>--init</c>).</summary>
    internal const short Reap = -4;

    /// <summary>Fail with errno A0: the end of a chain of tolerated attempts.</summary>
    internal const short Fail = -5;

    /// <summary>Reset every signal's disposition and unblock all.</summary>
    internal const short ResetSignals = -6;

    /// <summary>Fail with ENOENT when the working directory lies outside the root: getcwd(2) then shows "(unreachable)".</summary>
    internal const short CheckWorkingDirectory = -7;

    /// <summary>
    /// Clone a sibling with the flags A0, which goes on; this process tells the parent its id and ends. For new process namespaces that belong to a user
    /// namespace which was joined.
    /// </summary>
    internal const short CloneAgain = -9;

    /// <summary>Tell the parent letter A0 together with the value of slot A1, and wait for its answer.</summary>
    internal const short SyncSlot = -8;
}

/// <summary>Slots that the launching process fills in before it clones: descriptors that the program was compiled without knowing.</summary>
public enum Slot
{
    /// <summary>This child's end of the talk with its parent.</summary>
    Parent = 0,
    Input = 1,
    Output = 2,
    Error = 3,

    /// <summary>The slave side of the terminal.</summary>
    Console = 4,

    /// <summary>A network namespace made beforehand.</summary>
    Network = 5,

    /// <summary>A FIFO whose first byte is the signal to start (OCI create and start).</summary>
    StartGate = 6,

    /// <summary>A mount that was made beforehand and is attached nowhere yet.</summary>
    Disk = 7,

    /// <summary>First of the slots for anything else that is passed in.</summary>
    Extra = 8,

    /// <summary>The payload's image (<see cref="PayloadImage"/>).</summary>
    Image = 23,

    /// <summary>First of the slots that a program uses for itself.</summary>
    Local = 24,
}
