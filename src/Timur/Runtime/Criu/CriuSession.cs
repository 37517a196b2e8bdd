using Timur.Kernel;
using Timur.Kernel.Launcher;

namespace Timur.Runtime.Criu;

/// <summary>criu_req_type of criu's images/rpc.proto.</summary>
internal enum CriuCommand
{
    Dump = 1, Restore = 2, PreDump = 4, Notify = 6, FeatureCheck = 9, Version = 10,
}

/// <summary>Something that criu tells while it is at work and waits for.</summary>
/// <param name="Script">Its name, such as <c>post-restore</c> (criu(8), Action scripts).</param>
/// <param name="Pid">The tree's first process.</param>
/// <param name="Descriptor">What came with it: the master of a terminal that nobody else holds.</param>
internal sealed record CriuNotice(string Script, int Pid, Fd? Descriptor);

/// <summary>One <c>criu swrk</c>, which answers a request over a socket pair and ends.</summary>
internal sealed class CriuSession : IDisposable
{
    /// <summary>Descriptors that are passed on start here; 3 is the socket.</summary>
    internal const int FirstDescriptor = 4;

    private readonly Fd _socket;
    private readonly Launched _process;

    private CriuSession(Fd socket, Launched process) => (_socket, _process) = (socket, process);

    internal int Pid => _process.Pid;

    /// <param name="program">A path, or a name to look for in PATH.</param>
    /// <param name="descriptors">Passed on from <see cref="FirstDescriptor"/>.</param>
    internal static CriuSession Start(string program, IReadOnlyList<string> environment, IReadOnlyList<Fd> descriptors)
    {
        (Fd ours, Fd theirs) = Sockets.Pair(SocketKind.SequencedPacket);
        using (theirs)
        {
            try
            {
                Launched process = Spawning.Child(SearchPath.Candidates(program, environment), [program, "swrk", "3"], environment, [theirs, .. descriptors]);
                return new CriuSession(ours, process);
            }
            catch (LaunchException e)
            {
                ours.Dispose();
                throw new Failure($"criu: {program}: {e.Errno.Describe().ToLowerInvariant()}", "checkpoint and restore need criu: install the package criu, or name its program with --criu", 1, e);
            }
        }
    }

    /// <summary>Asks for one thing; a refusal is a <see cref="Failure"/> with criu's own words.</summary>
    internal ProtobufReader Ask(CriuCommand command, CriuOptions? options = null, ProtobufWriter? features = null, Action<CriuNotice>? onNotice = null)
    {
        Send(new ProtobufWriter().Number(1, (int)command).Message(2, options?.ToMessage()).Message(5, features));
        while (true)
        {
            ProtobufReader answer = Receive(out Fd? descriptor);
            using (descriptor)
            {
                if (!answer.Flag(2))
                {
                    throw new Failure($"criu failed: type {Name(answer.Number(1))} errno {answer.Number(7) ?? 0}{(answer.Text(9) is { } said ? ": " + said : "")}", exitCode: 1);
                }

                if (answer.Number(1) != (int)CriuCommand.Notify)
                {
                    return answer;
                }

                if (answer.Message(5) is { } notice && notice.Text(1) is { } script)
                {
                    onNotice?.Invoke(new CriuNotice(script, (int)(notice.Number(2) ?? 0), descriptor));
                }
            }

            Send(new ProtobufWriter().Number(1, (int)CriuCommand.Notify).Flag(3, true));
        }
    }

    private static string Name(long? type) => type switch
    {
        (long)CriuCommand.Dump => "DUMP",
        (long)CriuCommand.Restore => "RESTORE",
        (long)CriuCommand.PreDump => "PRE_DUMP",
        (long)CriuCommand.Notify => "NOTIFY",
        (long)CriuCommand.FeatureCheck => "FEATURE_CHECK",
        (long)CriuCommand.Version => "VERSION",
        { } other => other.ToString(),
        null => "EMPTY",
    };

    private void Send(ProtobufWriter message)
    {
        if (!Sockets.TrySend(_socket, message.ToBytes(), [], out Errno why))
        {
            throw new Failure($"criu ended before it answered: {why.Describe().ToLowerInvariant()}", "is it criu? its log may say more", 1);
        }
    }

    private ProtobufReader Receive(out Fd? descriptor)
    {
        byte[] buffer = new byte[64 * 1024];
        var descriptors = new List<Fd>();
        int size = Sockets.TryReceive(_socket, buffer, descriptors, out Errno why);
        descriptor = descriptors.Count > 0 ? descriptors[0] : null;
        return size > 0 ? new ProtobufReader(buffer.AsSpan(0, size))
            : throw new Failure($"criu ended before it answered{(size < 0 ? ": " + why.Describe().ToLowerInvariant() : "")}", "its log may say why", 1);
    }

    public void Dispose()
    {
        // It ends when nobody is there to talk to.
        _socket.Dispose();
        Processes.TryReap(_process.Pid, wait: true, out _);
        _process.Dispose();
    }
}
