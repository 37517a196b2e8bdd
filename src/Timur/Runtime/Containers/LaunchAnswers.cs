using Timur.Kernel;
using Timur.Kernel.Launcher;
using Timur.Oci;
using Timur.State;

namespace Timur.Runtime.Containers;

/// <summary>What a container's first process asks for while it sets itself up.</summary>
/// <param name="recordFile">Where the container's record is going to be.</param>
internal sealed class LaunchAnswers(Bundle bundle, ContainerRecord record, CreateOptions options, string recordFile, GivenMounts given)
{
    private Fd? _copySource;

    /// <summary>The terminal's master, when nobody else took it.</summary>
    internal Fd? Terminal { get; private set; }

    internal void Answer(SyncPoint point)
    {
        switch (point.Letter)
        {
            case UserNamespaces.MapLetter:
                UserNamespaces.WriteMaps(point.Pid, GivenMounts.Ranges(bundle.Spec.Linux.UidMappings), GivenMounts.Ranges(bundle.Spec.Linux.GidMappings));
                break;
            case LaunchLetters.Terminal:
                Terminal = TerminalMaster.Settle(point.TakeDescriptor(), bundle.Spec.Process ?? new ProcessSpec(), options.ConsoleSocket);
                break;
            case LaunchLetters.Hooks:
                RunHooks(point);
                break;
            case LaunchLetters.Listener:
                using (Fd listener = point.TakeDescriptor())
                {
                    SeccompListener.Give(record.ListenerPath!, record.ListenerMetadata, record with { Pid = point.Pid }, OciStatus.Creating, point.Pid, listener);
                }

                break;
            case LaunchLetters.IdMap:
                using (Fd mount = point.TakeDescriptor())
                {
                    given.MapNext(mount);
                }

                break;
            case LaunchLetters.CopySource:
                _copySource = point.TakeDescriptor();
                break;
            case LaunchLetters.CopyTarget:
                using (Fd source = _copySource!)
                using (Fd target = point.TakeDescriptor())
                {
                    TreeCopy.Copy(source, target);
                }

                break;
        }
    }

    private void RunHooks(SyncPoint point)
    {
        ContainerRecord now = record with { Pid = point.Pid, PidStart = Processes.StartTime(point.Pid) ?? 0, IsBeingMade = true };

        // A hook may ask for the state.
        AtomicFile.Write(recordFile, now.ToBytes());
        // The oldest hooks come when all but the payload is there, and are told so.
        Hooks.Run("prestart", bundle.Spec.Hooks.Prestart, now, OciStatus.Created);
        Hooks.Run("createRuntime", bundle.Spec.Hooks.CreateRuntime, now, OciStatus.Creating);
        NetDevices.Move(bundle.Spec.Linux.NetDevices, point.Pid);
        Hooks.Run("createContainer", bundle.Spec.Hooks.CreateContainer, now, OciStatus.Creating, new HookPlace(point.Process, Directory: record.Rootfs));
    }
}
