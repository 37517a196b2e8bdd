using Timur.SystemTests.Engines;
using Timur.SystemTests.Engines.Cri;
using Xunit;

namespace Timur.SystemTests;

/// <summary>Containers' lives on the newest kernel.</summary>
[Collection(nameof(VirtualMachine))]
public sealed class CgroupV2LifeOnTheNewestKernelTests(VirtualMachine machine) : CgroupV2LifeTests(machine);

/// <summary>Containers' lives on the kernel that this Debian installs.</summary>
[Collection(nameof(StockMachine))]
public sealed class CgroupV2LifeOnTheStockKernelTests(StockMachine machine) : CgroupV2LifeTests(machine);

/// <summary>Limits on the newest kernel.</summary>
[Collection(nameof(VirtualMachine))]
public sealed class CgroupV2LimitOnTheNewestKernelTests(VirtualMachine machine) : CgroupV2LimitTests(machine);

/// <summary>Limits on the kernel that this Debian installs.</summary>
[Collection(nameof(StockMachine))]
public sealed class CgroupV2LimitOnTheStockKernelTests(StockMachine machine) : CgroupV2LimitTests(machine);

/// <summary>Roots on the newest kernel.</summary>
[Collection(nameof(VirtualMachine))]
public sealed class RootOnTheNewestKernelTests(VirtualMachine machine) : RootOnKernelTests(machine);

/// <summary>Roots on the kernel that this Debian installs, which takes no layers one by one.</summary>
[Collection(nameof(StockMachine))]
public sealed class RootOnTheStockKernelTests(StockMachine machine) : RootOnKernelTests(machine);

/// <summary>systemd on the newest kernel.</summary>
[Collection(nameof(VirtualMachine))]
public sealed class SystemdOnTheNewestKernelTests(VirtualMachine machine) : SystemdTests(machine);

/// <summary>systemd on the kernel that this Debian installs.</summary>
[Collection(nameof(StockMachine))]
public sealed class SystemdOnTheStockKernelTests(StockMachine machine) : SystemdTests(machine);

/// <summary>Engines under systemd on the newest kernel; TIMUR_VM_KERNEL names another.</summary>
[Collection(nameof(VirtualMachine))]
public sealed class SystemdEngineOnTheNewestKernelTests(VirtualMachine machine) : SystemdEngineTests(machine);

/// <summary>Pods under systemd on the newest kernel; TIMUR_VM_KERNEL names another.</summary>
[Collection(nameof(VirtualMachine))]
public sealed class SystemdCriOnTheNewestKernelTests(VirtualMachine machine) : SystemdCriTests(machine);
