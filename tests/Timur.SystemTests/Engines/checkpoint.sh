#!/bin/sh
# Lets containerd 1.6 and Podman 4.3 write containers to the disk and bring them back with the OCI runtime $1 on the root file system $2, in the directory $3, with the
# criu that is linked there; prints what can be compared between runtimes. The container counts: what goes on is further than what was written.
runtime=$1 rootfs=$2 dir=$3
exec 2>&1
mkdir "$dir/bin" "$dir/networks" && ln -s "$runtime" "$dir/bin/runc" && ln -s "$(readlink "$dir/criu")" "$dir/bin/criu"
export PATH="$dir/bin:$PATH" TMPDIR="$dir" CONTAINERS_CONF="$dir/containers.conf"
counting='i=0; while :; do i=$((i+1)); echo $i >/tmp/count; sleep 0.05; done'
say() { echo "$1: $2"; }
await() { for i in $(seq ${patience:-600}); do eval "$1" >/dev/null 2>&1 && break; sleep 0.1; done; eval "$1" >/dev/null 2>&1; say "$2" $?; }
cat >"$CONTAINERS_CONF" <<Y
[containers]
default_ulimits = ["nofile=20000:20000", "nproc=4096:4096"]
[network]
network_config_dir = "$dir/networks"
$(cat "$dir/engine.conf")
cgroup_manager = "cgroupfs"
events_logger = "file"
Y
podman() { command podman --root "$dir/pod" --runroot "$dir/run" --tmpdir "$dir/tmp" "$@"; }
chmod 1777 "$rootfs/tmp"

echo '# containerd'
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
ctr() { command ctr -a "$dir/sock" "$@"; }
await 'ctr plugins ls' ready
tar -C "$rootfs" -c . | podman import -q --change 'ENV PATH=/bin' - localhost/bb | wc -l
podman save -q localhost/bb >"$dir/bb.tar"; ctr image import "$dir/bb.tar" >/dev/null; say imported $?
ctr run -d --runc-binary "$dir/bin/runc" --memory-limit 50000000 localhost/bb:latest c1 sh -c "$counting"; say started $?
count() { ctr task exec --exec-id "e$(date +%N)" "$1" cat /tmp/count; }
await '[ "$(count c1)" -gt 3 ]' counts
ctr c checkpoint --rw --image --task c1 kept; say checkpoint $?
await '[ "$(count c1)" -gt 5 ]' 'goes on'
ctr task kill -s KILL c1; await 'ctr task ls | grep -q STOPPED' stopped; ctr task rm c1 2>/dev/null; ctr c rm c1
ctr c restore --rw --live c2 kept; say restore $?
await '[ "$(count c2)" -gt 5 ]' 'went on'
cat "/sys/fs/cgroup/memory/default/c1/memory.limit_in_bytes"
ctr task kill -s KILL c2; await 'ctr task ls | grep -q STOPPED' stopped; ctr task rm c2 2>/dev/null; ctr c rm c2

echo '# podman'
podman run -d --name p1 --network none localhost/bb sh -c "$counting" | wc -l
await '[ "$(podman exec p1 cat /tmp/count)" -gt 3 ]' counts
podman container checkpoint p1; say checkpoint $?
podman ps -a --format '{{.Status}}' | cut -d' ' -f1
podman container restore p1; say restore $?
await '[ "$(podman exec p1 cat /tmp/count)" -gt 5 ]' 'went on'
podman container checkpoint --leave-running --export "$dir/kept.tar.gz" p1; say export $?
podman ps --format '{{.Names}}'
podman rm -f -t 0 p1
podman container restore --import "$dir/kept.tar.gz" --name p2 | wc -l
await '[ "$(podman exec p2 cat /tmp/count)" -gt 5 ]' 'went on'
podman exec p2 sh -c 'id -u; hostname | wc -l; cat /proc/1/comm'
podman rm -f -t 0 p2
exit 0
