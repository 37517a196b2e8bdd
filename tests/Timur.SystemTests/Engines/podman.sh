#!/bin/sh
# Drives Podman with the OCI runtime $1 on the root file system $2, in the directory $3; prints what can be compared between runtimes.
runtime=$1 rootfs=$2 dir=$3
exec 2>&1
export CONTAINERS_CONF="$dir/containers.conf"
cat >"$CONTAINERS_CONF" <<X
[containers]
default_ulimits = ["nofile=20000:20000", "nproc=4096:4096"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
X

# Podman takes a runtime for what it is called.
mkdir "$dir/bin" && ln -s "$runtime" "$dir/bin/runc"
podman() { command podman --root "$dir/root" --runroot "$dir/run" --tmpdir "$dir/tmp" --runtime "$dir/bin/runc" --cgroup-manager cgroupfs "$@" 2>&1 | sed -e "s,$dir/bin/,,g" -e 's/timur-runc/runc/'; }
run() { podman run --network none "$@"; }
say() { echo "$1: $2"; }
code() { command podman --root "$dir/root" --runroot "$dir/run" --tmpdir "$dir/tmp" --runtime "$dir/bin/runc" --cgroup-manager cgroupfs "$@" >/dev/null 2>&1; echo "$1 $2: $?"; }

tar -C "$rootfs" -c . | podman import - bb >/dev/null
run --rm bb sh -c 'id -u; echo $PATH $HOME $container'
code run --network none --rm bb sh -c 'exit 5'
run -d --name p1 bb sleep 100 | wc -c
podman exec p1 sh -c 'ps | grep -c "root     sleep 100$"'
code exec p1 sh -c 'exit 3'
podman exec -e X=y -w /etc -u 1000:1000 p1 sh -c 'id -u; pwd; echo $X'
podman exec p1 /nope; code exec p1 /nope
podman exec p1 nope; code exec p1 nope
podman pause p1; podman ps --format '{{.Status}}' --filter status=paused | cut -c1-2; podman unpause p1
podman top p1 comm
podman stats --no-stream --format '{{.Name}} {{.PIDs}}' p1
podman update --memory 50m p1 | wc -c; podman exec p1 cat /sys/fs/cgroup/memory/memory.limit_in_bytes
podman stop -t 0 p1 | grep -v resorting; podman inspect p1 --format '{{.State.ExitCode}} {{.State.Status}}'
podman start p1; podman kill p1; podman rm -f p1
run --rm bb /nope; code run --network none --rm bb /nope
run --rm bb nope; code run --network none --rm bb nope
run --rm --tmpfs /x:size=1m -v "$dir:/y:ro" --read-only bb sh -c 'grep -E " /(x|y) " /proc/mounts | cut -d" " -f2,4 | cut -d, -f1 | sort; touch /a; sleep 0.3; test -e /a'
run --rm --memory 30m --pids-limit 20 --cpus 0.5 --cap-drop all --cap-add chown --security-opt no-new-privileges bb grep -E 'Cap|NoNew|Seccomp:' /proc/self/status
run --rm --uidmap 0:100000:65536 bb sh -c 'cat /proc/self/uid_map; id -u; ls -ln /dev/null | cut -c1-10'
script -qec "podman --root $dir/root --runroot $dir/run --tmpdir $dir/tmp --runtime $dir/bin/runc --cgroup-manager cgroupfs run -t --rm --network none bb tty" /dev/null </dev/null | tr -d '\000\r' | sed 's/\^@//'
podman pod create --name pod --network none --infra-image bb --infra-command 'sleep 1000' | wc -c
podman run --rm --pod pod bb sh -c 'hostname; cat /proc/1/comm'
podman pod rm -t 0 -f pod | grep -v resorting | wc -c
run --rm --privileged bb grep CapEff /proc/self/status
printf 'FROM bb\nRUN echo built >/built\nCMD cat /built\n' >"$dir/Containerfile"
podman build -q --network none -t made "$dir" 2>&1 | wc -l; run --rm made
command podman --root "$dir/root" --runroot "$dir/run" --tmpdir "$dir/tmp" --runtime "$dir/bin/runc" --cgroup-manager cgroupfs rm -f -a -t 0 >/dev/null 2>&1
exit 0
