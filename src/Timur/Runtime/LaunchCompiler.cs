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
        _process = spec.Process ?? new ProcessSpec();
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
        _program.RaiseFileLimit();
        if (IsNew("user") && !JoinsFirst)
        {
            _program.WaitForMaps();
        }

        _program.Umask(0);
        CloneFlags made = CloneFlags.None;
        var joins = new List<(string Type, Slot Slot, CloneFlags Flag)>();
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
                joins.Add(("network", Slot.Network, CloneFlags.NewNetwork));
            }
            else if (ns.Path is not null && ns.Type != "pid")
            {
                // The user namespace last: others that aren't its own can be joined only before. What is made later belongs to it.
                joins.Insert(ns.Type == "user" || joins is not [.., { Type: "user" }] ? joins.Count : joins.Count - 1, (ns.Type, Slot.Extra + joined++, flag));
            }
            else if (ns.Path is null && atClone)
            {
                made |= flag;
            }
        }

        Enter(made, joins);
        _program.NewSession();
        if (IsNew("network") && !_context.NetworkGiven)
        {
            _program.LoopbackUp();
        }
    }

    /// <summary>Namespaces that don't belong to the new user namespace can't be joined any more when that is made.</summary>
    private bool JoinsFirst => IsNew("user") && _spec.Linux.Namespaces.Any(ns => ns is { Path: not null, Type: not "pid" });

    private void Enter(CloneFlags made, List<(string Type, Slot Slot, CloneFlags Flag)> joins)
    {
        if (JoinsFirst)
        {
            foreach ((string type, Slot slot, CloneFlags flag) in joins)
            {
                _program.Join(type, slot, flag);
            }

            _program.Unshare(CloneFlags.NewUser);
            _program.WaitForMaps();
            MakeInside(made & ~CloneFlags.NewUser);
            return;
        }

        bool joinsUser = joins is [.., { Type: "user" }];
        if (!joinsUser)
        {
            _program.Flags |= made;
        }

        foreach ((string type, Slot slot, CloneFlags flag) in joins)
        {
            _program.Join(type, slot, flag);
        }

        if (joinsUser)
        {
            MakeInside(made);
        }
    }

    /// <summary>Namespaces that belong to the user namespace that this process is in by now.</summary>
    private void MakeInside(CloneFlags made)
    {
        if ((made & CloneFlags.NewPid) != 0)
        {
            _program.CloneAgain(made);
        }
        else if (made != CloneFlags.None)
        {
            _program.Unshare(made);
        }
    }

    private void JoinCgroups()
    {
        ProcessSettings.BeforeJoining(_program, _process);
        foreach (string tasks in _context.CgroupTasks)
        {
            _program.JoinCgroup(tasks);
        }

        if (_context.ResetAffinity)
        {
            _program.ResetAffinity();
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
        var root = new RootCompiler(_program, _spec, _context);
        root.Mount();
        if (Has("user"))
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

        if (_context.Hooks)
        {
            _program.AskParent("run hooks", LaunchLetters.Hooks);
        }

        // After the hooks: they may have brought the interface that a parameter is for.
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

        ProcessSettings.BeforeIds(_program, _process);
        if (_spec.Linux.MemoryPolicy is { } policy)
        {
            MemoryPolicies.Compile(_program, policy);
        }

        if (_context.Keyring is { } keyring)
        {
            _program.NewSessionKeyring(keyring);
        }

        if (_spec.Linux.Personality is { } personality)
        {
            _program.Personality(ProcessSettings.Domain(personality));
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
            _program.OwnStreams(_context.OwnedStreams, _process.UserId);
        }

        if (_context.Reaper)
        {
            // The reaper is this program's own image: nobody inside may open it through /proc/1/exe (CVE-2019-5736).
            _program.NotDumpable();
            _program.Reap();
        }

        _program.CloseDescriptors(_context.PreservedDescriptors, _context.StartGate, _context.ByImage);
        _program.RestoreFileLimit();
        foreach (RlimitSpec limit in _process.Rlimits)
        {
            _program.Limit(limit.Type, Rlimits.Number(limit.Type), limit.Soft, limit.Hard);
        }

        Credentials.Compile(_program, _process, _context.SeccompFilter, _context.SeccompFlags, _context.OwnCapabilities);
        if (_context.DiesWithParent)
        {
            // A change of ids would undo it.
            _program.DieWithParent();
        }

        if (_process.Args.Count == 0)
        {
            EndAtTheGate();
            return;
        }

        IReadOnlyList<string> candidates = SearchPath.Candidates(_process.Args[0], _process.Env);
        if (_context.StartGate)
        {
            // Who creates a container hears that its command isn't there, not who starts it.
            _program.FindExecutable(candidates, _process.Args[0]);
        }

        if (_context.ByImage)
        {
            _program.ExecuteByImage(candidates, _process.Args, _process.Env, _context.StartGate);
            return;
        }

        if (_context.StartGate)
        {
            _program.NotDumpable();
            _program.WaitAtGate();
        }

        _program.Execute(candidates, _process.Args, _process.Env);
    }

    /// <summary>A container without a process can be created; there is nothing to start.</summary>
    private void EndAtTheGate()
    {
        _program.NotDumpable();
        _program.WaitAtGate();
        _program.End();
    }
}
