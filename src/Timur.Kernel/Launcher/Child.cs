using System.Runtime.CompilerServices;

namespace Timur.Kernel.Launcher;

/// <summary>Everything a child may look at; in unmanaged memory.</summary>
internal unsafe struct ChildContext
{
    /// <summary>libc's syscall(2), called by managed convention: no transition, no poll for a collection.</summary>
    internal delegate*<long, long, long, long, long, long, long, long> Call;

    /// <summary>errno of the only thread.</summary>
    internal int* Errno;
    internal Op* Ops;
    internal int OpCount;

    // Numbers of the calls that pseudo-operations make, so that the child needs no table.
    internal int NrWrite;
    internal int NrRead;
    internal int NrExecve;
    internal int NrExit;
    internal int NrClone3;
    internal int NrWait4;
    internal int NrSigaction;
    internal int NrSigprocmask;
    internal int NrKill;
    internal int NrSigtimedwait;
    internal int NrGetcwd;
    internal fixed long Slots[LaunchProgram.SlotCount];
}

/// <summary>A record from the child: a request to synchronise, or the failure that ended it.</summary>
internal struct ChildMessage
{
    /// <summary>0: failure; otherwise a letter of <see cref="Pseudo.Sync"/>, whose value, if any, is in <see cref="Errno"/>.</summary>
    internal int Letter;
    internal int Operation;
    internal int Errno;
    internal int Pid;
}

/// <summary>
/// What runs between the clone and execve. Only one thread of a runtime with several exists here, so nothing may allocate, throw, box, wait for a
/// lock, use an ordinary P/Invoke or touch a static: no call but to these methods themselves and through the pointer in the context. A build check
/// disassembles them. Locals start as they are: clearing a large one is a call into the runtime. See docs/decisions/001-launch-program.md.
/// </summary>
[SkipLocalsInit]
internal static unsafe class Child
{
    private const int Eintr = 4;
    private const int Enoent = 2;
    private const int Eacces = 13;
    private const int Enotdir = 20;

    /// <summary>The entry: executes the program and never returns. The first two parameters are what clone3(2) was given; see Launcher.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal static void Run(long unused0, long unused1, ChildContext* context)
    {
        Op* op = context->Ops;
        Op* end = op + context->OpCount;
        while (op < end)
        {
            long result = op->Number >= 0 ? Execute(context, op) : ExecutePseudo(context, op);
            if (result >= 0)
            {
                if (op->Save >= 0)
                {
                    context->Slots[op->Save] = result;
                }

                op += 1 + op->SkipOnSuccess;
                continue;
            }

            int error = (int)-result;
            bool tolerated = (op->Tolerated > 0 && op->Tolerate0 == error) || (op->Tolerated > 1 && op->Tolerate1 == error)
                || (op->Tolerated > 2 && op->Tolerate2 == error);
            if (!tolerated)
            {
                Report(context, 0, (int)(op - context->Ops), error);
                Exit(context, 127);
            }

            op += 1 + op->SkipOnError;
        }

        Exit(context, 0);
    }

    /// <summary>A system call with its slots filled in; the negated errno when it fails.</summary>
    private static long Execute(ChildContext* context, Op* op)
    {
        long* arguments = op->Arguments;
        long* slots = context->Slots;
        int mask = op->SlotMask;
        long a0 = (mask & 1) != 0 ? slots[arguments[0]] : arguments[0];
        long a1 = (mask & 2) != 0 ? slots[arguments[1]] : arguments[1];
        long a2 = (mask & 4) != 0 ? slots[arguments[2]] : arguments[2];
        long a3 = (mask & 8) != 0 ? slots[arguments[3]] : arguments[3];
        long a4 = (mask & 16) != 0 ? slots[arguments[4]] : arguments[4];
        long a5 = (mask & 32) != 0 ? slots[arguments[5]] : arguments[5];
        return Call(context, op->Number, a0, a1, a2, a3, a4, a5);
    }

    private static long Call(ChildContext* context, long number, long a0, long a1, long a2, long a3, long a4, long a5)
    {
        while (true)
        {
            long result = context->Call(number, a0, a1, a2, a3, a4, a5);
            if (result != -1)
            {
                return result;
            }

            int error = *context->Errno;
            if (error != Eintr)
            {
                return -error;
            }
        }
    }

    private static long ExecutePseudo(ChildContext* context, Op* op)
    {
        if (op->Number is Pseudo.Sync or Pseudo.SyncSlot)
        {
            return Synchronise(context, op);
        }

        if (op->Number == Pseudo.CheckWorkingDirectory)
        {
            return CheckWorkingDirectory(context);
        }

        if (op->Number == Pseudo.Exec)
        {
            return ExecFirst(context, (long*)op->Arguments[0], op->Arguments[1], op->Arguments[2]);
        }

        if (op->Number == Pseudo.CloneAgain)
        {
            return CloneAgain(context, op);
        }

        if (op->Number == Pseudo.Reap)
        {
            return StayAsReaper(context);
        }

        if (op->Number == Pseudo.ResetSignals)
        {
            return ResetSignals(context);
        }

        return -op->Arguments[0];
    }

    private static long Synchronise(ChildContext* context, Op* op)
    {
        int value = op->Number == Pseudo.SyncSlot ? (int)context->Slots[op->Arguments[1]] : 0;
        Report(context, (int)op->Arguments[0], (int)(op - context->Ops), value);
        long answer = 0;
        long count = Call(context, context->NrRead, context->Slots[(int)Slot.Parent], (long)&answer, 1, 0, 0, 0);

        // No answer: the parent is gone, and so is the reason to go on.
        return count == 1 ? 0 : -Eacces;
    }

    /// <summary>Returns only when no path could be executed: the first error that isn't "not found", else ENOENT.</summary>
    private static long ExecFirst(ChildContext* context, long* paths, long arguments, long environment)
    {
        long failure = -Enoent;
        for (; *paths != 0; paths++)
        {
            long result = Call(context, context->NrExecve, *paths, arguments, environment, 0, 0, 0);
            if (result is not (-Enoent) and not (-Enotdir))
            {
                failure = result;
                if (result != -Eacces)
                {
                    break;
                }
            }
        }

        return failure;
    }

    private static void Report(ChildContext* context, int letter, int operation, int error)
    {
        ChildMessage message;
        message.Letter = letter;
        message.Operation = operation;
        message.Errno = error;
        message.Pid = 0;
        Call(context, context->NrWrite, context->Slots[(int)Slot.Parent], (long)&message, sizeof(ChildMessage), 0, 0, 0);
    }

    private static void Exit(ChildContext* context, int code)
    {
        while (true)
        {
            context->Call(context->NrExit, code, 0, 0, 0, 0, 0);
        }
    }

    /// <summary>Default disposition for 1 to 64 (the runtime ignores SIGPIPE, and that would survive execve), nothing blocked.</summary>
    private static long ResetSignals(ChildContext* context)
    {
        // struct kernel_sigaction: handler, flags, restorer, mask; all zero is SIG_DFL.
        long* action = stackalloc long[4];
        action[0] = action[1] = action[2] = action[3] = 0;
        for (int signal = 1; signal <= 64; signal++)
        {
            context->Call(context->NrSigaction, signal, (long)action, 0, 8, 0, 0);
        }

        return Call(context, context->NrSigprocmask, 2, (long)action, 0, 8, 0, 0);
    }

    /// <summary>
    /// The reaper of <c>--init</c>: forwards signals to the payload, reaps whatever ends, and ends as the payload did.
    /// </summary>
    private static long StayAsReaper(ChildContext* context)
    {
        long all = -1;
        Call(context, context->NrSigprocmask, 0, (long)&all, 0, 8, 0, 0);
        long* arguments = stackalloc long[8];
        for (int i = 0; i < 8; i++)
        {
            arguments[i] = 0;
        }

        const int sigChild = 17;
        arguments[4] = sigChild;
        long payload = Call(context, context->NrClone3, (long)arguments, 64, 0, 0, 0, 0);
        if (payload <= 0)
        {
            all = 0;
            Call(context, context->NrSigprocmask, 2, (long)&all, 0, 8, 0, 0);
            return payload;
        }

        // The payload alone talks to the parent from here on: its end of the talk closes when it executes.
        CloseEverything(context);
        while (true)
        {
            long signal = Call(context, context->NrSigtimedwait, (long)&all, 0, 0, 8, 0, 0);
            if (signal != sigChild)
            {
                if (signal > 0)
                {
                    context->Call(context->NrKill, payload, signal, 0, 0, 0, 0);
                }

                continue;
            }

            int status;
            long ended;
            while ((ended = context->Call(context->NrWait4, -1, (long)&status, 1, 0, 0, 0)) > 0)
            {
                if (ended == payload)
                {
                    Exit(context, (status & 0x7f) == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f));
                }
            }
        }
    }

    /// <summary>The sibling returns 0 once the parent knows it; this process doesn't return.</summary>
    private static long CloneAgain(ChildContext* context, Op* op)
    {
        const long cloneParent = 0x8000;
        long* arguments = stackalloc long[8];
        for (int i = 1; i < 8; i++)
        {
            arguments[i] = 0;
        }

        // A sibling's exit signal is this process's own.
        arguments[0] = op->Arguments[0] | cloneParent;
        long sibling = Call(context, context->NrClone3, (long)arguments, 64, 0, 0, 0, 0);
        if (sibling < 0)
        {
            return sibling;
        }

        if (sibling > 0)
        {
            Report(context, LaunchProgram.SiblingLetter, (int)(op - context->Ops), (int)sibling);
            Exit(context, 0);
        }

        long answer = 0;
        return Call(context, context->NrRead, context->Slots[(int)Slot.Parent], (long)&answer, 1, 0, 0, 0) == 1 ? 0 : -Eacces;
    }

    /// <summary>A directory outside the root could only be reached through a descriptor that was left open (CVE-2024-21626).</summary>
    private static long CheckWorkingDirectory(ChildContext* context)
    {
        byte* path = stackalloc byte[4096];
        path[0] = 0;
        long result = Call(context, context->NrGetcwd, (long)path, 4096, 0, 0, 0, 0);
        return result < 0 ? result : path[0] == (byte)'/' ? 0 : -Enoent;
    }

    private static void CloseEverything(ChildContext* context)
    {
        const int closeRange = 436;
        context->Call(closeRange, 0, uint.MaxValue, 0, 0, 0, 0);
    }
}
