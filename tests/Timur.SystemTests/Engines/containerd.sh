#!/bin/sh
# Drives containerd 1.6 with the OCI runtime $1 on the root file system $2, in the directory $3; prints what can be compared between runtimes.
runtime=$1 rootfs=$2 dir=$3
exec 2>&1
cat >"$dir/config.toml" <<X
version = 2
root = "$dir/root"
state = "$dir/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "$dir/sock"
X
containerd -c "$dir/config.toml" >"$dir/log" 2>&1 &
daemon=$!
trap 'kill $daemon; wait $daemon' EXIT
for i in $(seq 600); do command ctr -a "$dir/sock" plugins ls >/dev/null 2>&1 && break; sleep 0.2; done
ctr() { command ctr -a "$dir/sock" "$@"; }
run() { ctr run --runc-binary "$runtime" --env PATH=/bin --rootfs "$@"; }
say() { echo "$1: $2"; }

run --rm "$rootfs" c1 sh -c 'id -u; echo $PATH $HOME; sleep 0.3; exit 5'; say run $?
run -d "$rootfs" c2 sleep 100; say detached $?
ctr task exec --exec-id e1 c2 sh -c 'ps | grep -c "root     sleep 100$"; exit 3'; say exec $?
ctr task exec --exec-id e2 c2 /nope; say exec $?
ctr task exec --exec-id e3 c2 nope; say exec $?
ctr task pause c2; ctr task ls | grep -o PAUSED; ctr task resume c2; ctr task ls | grep -o RUNNING
ctr task ps c2 | wc -l
ctr task metrics c2 | grep -c memory.usage
script -qec "ctr -a $dir/sock task exec -t --exec-id e4 c2 tty" /dev/null </dev/null | tr -d '\000\r' | sed 's/\^@//' | grep -v ERRO
ctr task kill -s KILL c2; for i in $(seq 50); do ctr task ls | grep -q STOPPED && break; sleep 0.1; done
ctr task ls | grep -o STOPPED; ctr task rm c2 2>&1 | grep -o 'code 137'; ctr c rm c2
run --rm "$rootfs" c3 /nope; say missing $?; ctr c rm c3 2>/dev/null
script -qec "ctr -a $dir/sock run -t --rm --runc-binary $runtime --env PATH=/bin --rootfs $rootfs c4 tty" /dev/null </dev/null | tr -d '\000\r' | sed 's/\^@//' | grep -v ERRO
run --rm --memory-limit 50000000 --cpus 0.5 "$rootfs" c5 sh -c 'grep memory: /proc/self/cgroup | cut -d: -f2-; sleep 0.3'; say limits $?
run --rm --net-host --env A=b --cwd /etc --read-only "$rootfs" c6 sh -c 'echo $A; pwd; touch /x; sleep 0.3; test -e /x'; say read-only $?
run --rm --seccomp "$rootfs" c7 sh -c 'grep Seccomp: /proc/self/status; mount -t tmpfs x /tmp; sleep 0.3; exit 1'; say seccomp $?
ls -d /sys/fs/cgroup/memory/default/c? 2>/dev/null
exit 0
