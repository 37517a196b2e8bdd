using System.Runtime.InteropServices;

namespace Timur.Kernel.Launcher;

/// <summary>An operation of a launch program failed in the child; the process that compiled the program knows its name.</summary>
public sealed class LaunchException(int operation, Errno errno)
    : Exception($"operation {operation} of the launch program: {errno.Describe()}")
{
    public int Operation { get; } = operation;

    public Errno Errno { get; } = errno;
}

/// <summary>What a launch needs beside its program.</summary>
public sealed class LaunchRequest(LoadedProgram program)
{
    public LoadedProgram Program { get; } = program;

    /// <summary>Descriptors for the slots that the program was compiled to expect.</summary>
    public IReadOnlyList<(Slot Slot, Fd Fd)> Slots { get; init; } = [];

    /// <summary>Start directly in this cgroup v2 directory (CLONE_INTO_CGROUP).</summary>
    public Fd? Cgroup { get; init; }

    /// <summary>Start in this process namespace instead of a new one.</summary>
    public Fd? ProcessNamespace { get; init; }

    /// <summary>Called at each synchronisation while the child waits; throwing ends the child.</summary>
    public Action<SyncPoint>? OnSync { get; init; }
}

/// <summary>A child waits for its parent.</summary>
/// <param name="Letter">What for.</param>
/// <param name="Pid">The child, as this process sees it.</param>
/// <param name="Process">The child's descriptor.</param>
/// <param name="Value">A descriptor's number in the child, where the program sends one.</param>
public sealed record SyncPoint(char Letter, int Pid, Fd Process, int Value)
{
    /// <summary>pidfd_getfd(2): a duplicate of the child's descriptor <see cref="Value"/>.</summary>
    public Fd TakeDescriptor() => new((int)Sys.Check(Sys.Call(Nr.pidfd_getfd, Process.Raw, Value, 0), "pidfd_getfd"));
}

/// <summary>A launched process: it has executed its payload, or waits at its start gate.</summary>
public sealed record Launched(int Pid, Fd Process) : IDisposable
{
    public void Dispose() => Process.Dispose();
}

/// <summary>
/// Clones and lets the child execute a launch program. Only for a process whose managed code runs on one thread: servers start <c>timur</c> instead.
/// </summary>
public static unsafe partial class Launching
{
    private const int SigChild = 17;
    private const int StackSize = 128 * 1024;

    [LibraryImport("libc")]
    private static partial nint dlsym(nint handle, byte* name);

    [LibraryImport("libc")]
    private static partial nint __errno_location();

    // struct clone_args, linux/sched.h
    [StructLayout(LayoutKind.Sequential)]
    private struct CloneArgs
    {
        internal long Flags;
        internal long PidFd;
        internal long ChildTid;
        internal long ParentTid;
        internal long ExitSignal;
        internal long Stack;
        internal long StackSize;
        internal long Tls;
        internal long SetTid;
        internal long SetTidSize;
        internal long Cgroup;
    }

    /// <summary>
    /// Runs the program in a new process. Returns when the payload has been executed (or the program ended at a gate); throws
    /// <see cref="LaunchException"/> when an operation failed, with the child already reaped.
    /// </summary>
    public static Launched Start(LaunchRequest request)
    {
        (Fd parentEnd, Fd childEnd) = Sockets.Pair(SocketKind.SequencedPacket);
        using Fd parent = parentEnd;
        ChildContext* context = NewContext(request, childEnd);
        int pidFd = -1;
        long pid;
        try
        {
            using (childEnd)
            {
                pid = CloneInto(request, context, &pidFd);
            }

            var launched = new Launched((int)pid, new Fd(pidFd));
            try
            {
                Talk(parent, request, ref launched);
            }
            catch
            {
                Processes.TryKill(launched.Process, 9, out _);
                Processes.TryReap(launched.Pid, wait: true, out _);
                launched.Dispose();
                throw;
            }

            return launched;
        }
        finally
        {
            // The child has its own copy, or has executed its payload: nothing reads this any more.
            NativeMemory.Free(context);
        }
    }

    private static long CloneInto(LaunchRequest request, ChildContext* context, int* pidFd)
    {
        Fd? ownProcesses = null;
        if (request.ProcessNamespace is { } target)
        {
            ownProcesses = Files.Open("/proc/self/ns/pid", Kernel.Open.Read);
            Sys.Check(Sys.Call(Nr.setns, target.Raw, (long)CloneFlags.NewPid), "setns(pid)");
        }

        try
        {
            bool suspendParent = !request.Program.NeedsParent && RuntimeInformation.ProcessArchitecture == Architecture.X64;
            var args = new CloneArgs
            {
                Flags = (long)(request.Program.Flags | CloneFlags.PidFd | CloneFlags.ClearHandlers),
                PidFd = (long)pidFd,
                ExitSignal = SigChild,
            };
            if (request.Cgroup is { } cgroup)
            {
                args.Flags |= (long)CloneFlags.IntoCgroup;
                args.Cgroup = cgroup.Raw;
            }

            return Sys.Check(suspendParent ? CloneSuspended(&args, context) : ClonePlain(&args, context), "clone3");
        }
        finally
        {
            if (ownProcesses is not null)
            {
                Sys.Check(Sys.Call(Nr.setns, ownProcesses.Raw, (long)CloneFlags.NewPid), "setns(pid)", "back");
                ownProcesses.Dispose();
            }
        }
    }

    private static long ClonePlain(CloneArgs* args, ChildContext* context)
    {
        long pid = context->Call(Nr.clone3, (long)args, sizeof(CloneArgs), 0, 0, 0, 0);
        if (pid == 0)
        {
            Child.Run(0, 0, context);
        }

        return pid == -1 ? -*context->Errno : pid;
    }

    /// <summary>
    /// Without copying page tables: the child borrows this process's memory on a stack of its own, and this thread sleeps until it executes. The child
    /// returns from libc's syscall(2) by popping the address that was put on its stack; rdi, rsi and rdx still hold the call's arguments.
    /// </summary>
    private static long CloneSuspended(CloneArgs* args, ChildContext* context)
    {
        byte* stack = (byte*)NativeMemory.AlignedAlloc(StackSize, 4096);
        byte* top = stack + StackSize - 64;
        *(nint*)top = (nint)(delegate*<long, long, ChildContext*, void>)&Child.Run;
        args->Flags |= (long)(CloneFlags.Memory | CloneFlags.Vfork);
        args->Stack = (long)stack;
        args->StackSize = top - stack;
        long pid = context->Call(Nr.clone3, (long)args, sizeof(CloneArgs), (long)context, 0, 0, 0);
        int errno = *context->Errno;
        NativeMemory.AlignedFree(stack);
        return pid == -1 ? -errno : pid;
    }

    private static ChildContext* NewContext(LaunchRequest request, Fd childEnd)
    {
        var context = (ChildContext*)NativeMemory.AllocZeroed((nuint)sizeof(ChildContext));
        fixed (byte* name = "syscall\0"u8)
        {
            context->Call = (delegate*<long, long, long, long, long, long, long, long>)dlsym(0, name);
        }

        context->Errno = (int*)__errno_location();
        context->Ops = request.Program.Ops;
        context->OpCount = request.Program.OpCount;
        context->NrWrite = Nr.write;
        context->NrRead = Nr.read;
        context->NrExecve = Nr.execve;
        context->NrExit = Nr.exit;
        context->NrClone3 = Nr.clone3;
        context->NrWait4 = Nr.wait4;
        context->NrSigaction = Nr.rt_sigaction;
        context->NrSigprocmask = Nr.rt_sigprocmask;
        context->NrKill = Nr.kill;
        context->NrSigtimedwait = Nr.rt_sigtimedwait;
        context->NrGetcwd = Nr.getcwd;
        for (int i = 0; i < LaunchProgram.SlotCount; i++)
        {
            context->Slots[i] = -1;
        }

        context->Slots[(int)Slot.Parent] = childEnd.Raw;
        foreach ((Slot slot, Fd fd) in request.Slots)
        {
            context->Slots[(int)slot] = fd.Raw;
        }

        return context;
    }

    /// <summary>Answers the child until its end of the talk closes, which execve does.</summary>
    private static void Talk(Fd parent, LaunchRequest request, ref Launched launched)
    {
        while (true)
        {
            ChildMessage message;
            int count = Files.TryRead(parent, new Span<byte>(&message, sizeof(ChildMessage)), out Errno why);
            if (count == 0)
            {
                return;
            }

            if (count != sizeof(ChildMessage))
            {
                throw new SyscallException("read", why, "the launch program's report");
            }

            if (message.Letter == 0)
            {
                throw new LaunchException(message.Operation, (Errno)message.Errno);
            }

            if (message.Letter == LaunchProgram.SiblingLetter)
            {
                launched = Sibling(launched, message.Errno);
            }
            else
            {
                request.OnSync?.Invoke(new SyncPoint((char)message.Letter, launched.Pid, launched.Process, message.Errno));
            }

            Files.Write(parent, [1], "the launch program's gate");
        }
    }

    /// <summary>The process that was cloned has handed over and ends.</summary>
    private static Launched Sibling(Launched former, int pid)
    {
        Processes.TryReap(former.Pid, wait: true, out _);
        former.Dispose();
        return new Launched(pid, Processes.TryOpen(pid, out Errno why) ?? throw new SyscallException("pidfd_open", why));
    }
}
