# In the virtual machine, before each script: what it says of units and cgroups. $id is the container's long name.
export PATH=/usr/sbin:/usr/bin
exec 2>&1
say() { echo "$1: $2"; }
ids() { sed -e "s/${id:-none}/ID/g"; }
unit() { systemctl show -p "$1" "$2" | sort | ids; }
# A device whose driver isn't loaded, such as tun, is left out by runc 1.1.5, and by none since 1.1.7.
at_start() { unit Slice,Delegate,Transient,DefaultDependencies,KillMode,Requires,After,Before,Conflicts,CPUAccounting,MemoryAccounting,TasksAccounting,IOAccounting,DevicePolicy,DeviceAllow "$1" | grep -v "^DeviceAllow=/dev/char/10:200 "; }
# Weights as the shares they are made of: Debian's runc is older than 1.3.2, which makes others of them (256 shares are 10 before and 35 since, 512 20 and 59, 1024 39 and 100).
shares() { sed -E 's/^(CPUWeight=|cpu.weight )(10|35)$/\1of 256 shares/; s/^(CPUWeight=|cpu.weight )(20|59)$/\1of 512 shares/; s/^(CPUWeight=|cpu.weight )(39|100)$/\1of 1024 shares/'; }
limits() { unit MemoryMax,MemorySwapMax,MemoryLow,MemoryHigh,TasksMax,CPUQuotaPerSecUSec,CPUQuotaPeriodUSec,CPUWeight,AllowedCPUs "$1" | shares; }
files() { for file in memory.max memory.swap.max memory.low memory.high pids.max cpu.max cpu.weight cpuset.cpus; do echo "$file $(cat "$1/$file")"; done | shares; }
# systemd writes everything again that it knows of a unit, over what it doesn't know.
rewrite() { systemctl daemon-reload; systemctl set-property --runtime "$1" MemoryLow=8M; }
# Every unit of containers and the cgroups under them; and what systemd keeps of units that are gone.
left() {
    systemctl list-units --no-pager --plain --no-legend --all '*.scope' 'user-*.slice' | cut -d' ' -f1 | ids
    find /sys/fs/cgroup -mindepth 2 -type d -name '*.scope' | ids
    ls /run/systemd/transient | grep -vE '^run-|\.d$' | ids
}
# In a container: one process goes for lack of memory, the first one stays. The engine needs a moment until it listens.
hungry='sleep 1; dd if=/dev/zero of=/dev/null bs=500M count=1 2>/dev/null; echo $?; sleep 1'
