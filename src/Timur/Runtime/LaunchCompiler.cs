using Timur.Kernel.Launcher;
using Timur.Oci;

namespace Timur.Runtime;

/// <summary>
/// Turns a specification into the launch program of a container: what the new process does between its clone and its execve, in order. Decides
/// everything here, in the parent; the child only acts.
/// </summary>
public sealed class LaunchCompiler
{
    private readonly Spec _spec;
    private readonly LaunchContext _context;
    private readonly LaunchProgram _program = new();
    private readonly ProcessSpec _process;

    private LaunchCompiler(Spec spec, LaunchContext context)
    {
        _spec = spec;
        _context = context;
        _process = spec.Process ?? throw new Failure("config.json: process is missing", "a container that is started needs a process");
    }

    /// <summary>The program of a container's first process.</summary>
    public static LaunchProgram Compile(Spec spec, LaunchContext context)
    {
        var compiler = new LaunchCompiler(spec, context);
        compiler.EnterNamespaces();
        compiler.JoinCgroups();
        compiler.BuildRoot();
        compiler.SetUpHost();
        compiler.BecomeThePayload();
        return compiler._program;
    }

    private bool Has(string type) => Find(type) is not null;

    private NamespaceSpec? Find(string type)
    {
        foreach (NamespaceSpec ns in _spec.Linux.Namespaces)
        {
            if (ns.Type == type)
            {
                return ns;
            }
        }

        return null;
    }

    private bool IsNew(string type) => Find(type) is { Path: null };

    /// <summary>The clone makes the new ones; joined ones come as descriptors in the slots from <see cref="Slot.Extra"/>, in the order of the specification.</summary>
    private void EnterNamespaces()
    {
        _program.ResetSignals();
        if (IsNew("user"))
        {
            _program.WaitForMaps();
        }

        _program.Umask(0);
        _program.NewSession();
        int joined = 0;
        foreach (NamespaceSpec ns in _spec.Linux.Namespaces)
        {
            (CloneFlags flag, bool atClone) = ns.Type switch
            {
                "mount" => (CloneFlags.NewMount, true),
                "pid" => (CloneFlags.NewPid, true),
                "network" => (CloneFlags.NewNetwork, true),
                "uts" => (CloneFlags.NewUts, true),
                "ipc" => (CloneFlags.NewIpc, true),
                "user" => (CloneFlags.NewUser, true),
                "cgroup" => (CloneFlags.NewCgroup, false),
                "time" => (CloneFlags.NewTime, false),
                _ => throw new Failure($"config.json: linux.namespaces: '{ns.Type}' isn't a namespace"),
            };
            if (ns.Type == "network" && _context.NetworkGiven)
            {
                _program.Join("network", Slot.Network, CloneFlags.NewNetwork);
            }
            else if (ns.Path is not null && ns.Type != "pid")
            {
                _program.Join(ns.Type, Slot.Extra + joined++, flag);
            }
            else if (ns.Path is null && atClone)
            {
                _program.Flags |= flag;
            }
        }

        if (IsNew("network") && !_context.NetworkGiven)
        {
            _program.LoopbackUp();
        }
    }

    private void JoinCgroups()
    {
        if (_process.OomScoreAdj is { } adjustment)
        {
            _program.WriteHostFile("/proc/self/oom_score_adj", adjustment.ToString());
        }

        foreach (string tasks in _context.CgroupTasks)
        {
            _program.JoinCgroup(tasks);
        }

        if (IsNew("time"))
        {
            // The offsets can be set until somebody is in it.
            _program.Unshare(CloneFlags.NewTime);
            foreach ((string clock, (long seconds, uint nanoseconds)) in _spec.Linux.TimeOffsets)
            {
                _program.WriteHostFile("/proc/self/timens_offsets", $"{clock} {seconds} {nanoseconds}\n");
            }

            _program.EnterNewTime();
        }

        // After joining: the namespace's root is where its maker is.
        if (IsNew("cgroup"))
        {
            _program.Unshare(CloneFlags.NewCgroup);
        }
    }

    private void BuildRoot()
    {
        if (!IsNew("mount"))
        {
            return;
        }

        var root = new RootCompiler(_program, _spec, _context);
        root.Mount();
        if (IsNew("user"))
        {
            root.OpenHostTrees();
            _program.BecomeMappedRoot();
        }

        root.MountAll();
        root.MakeDevices();
        if (_process.Terminal)
        {
            root.OpenTerminal(_process);
        }

        root.WriteSysctls();
        root.MakeWorkingDirectory(_process.Cwd);
        root.Restrict();
        root.Enter();
    }

    private void SetUpHost()
    {
        if (Has("uts"))
        {
            _program.Hostname(_spec.Hostname, _spec.Domainname);
        }

        if (_process.IoPriority is { } priority)
        {
            _program.IoPriority(priority.Class, priority.Level);
        }

        if (_spec.Linux.Personality is { } personality)
        {
            _program.Personality(personality == "LINUX32" ? 8 : 0);
        }
    }

    private void BecomeThePayload()
    {
        if (_process.Terminal)
        {
            _program.TakeTerminal();
        }
        else
        {
            _program.StandardStreams();
        }

        if (_context.Reaper)
        {
            // The reaper is this program's own image: nobody inside may open it through /proc/1/exe (CVE-2019-5736).
            _program.NotDumpable();
            _program.Reap();
        }

        _program.CloseDescriptors(_context.PreservedDescriptors, _context.StartGate);
        foreach (RlimitSpec limit in _process.Rlimits)
        {
            _program.Limit(limit.Type, Rlimits.Number(limit.Type), limit.Soft, limit.Hard);
        }

        Credentials.Compile(_program, _process, _context.SeccompFilter, _context.SeccompFlags, _context.OwnCapabilities);
        if (_context.StartGate)
        {
            _program.WaitAtGate();
        }

        _program.Execute(SearchPath.Candidates(_process.Args[0], _process.Env), _process.Args, _process.Env);
    }
}
