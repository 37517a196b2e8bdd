# Podman with systemd as the manager of cgroups; $runtime is runc or timur. Each call of Podman's costs a second in an emulated machine.
podman() { command podman --runtime /opt/$runtime/runc "$@"; }
run() { podman run --network none "$@"; }
[ -d /var/lib/containers/storage/overlay-images ] || podman import -q - localhost/bb </bundle.tar >/dev/null
id=$(run -d --name p1 --memory 32m --memory-swap 48m --memory-reservation 16m --pids-limit 50 --cpus 0.5 --cpu-shares 512 --cpuset-cpus 0-1 --cgroup-conf memory.high=20000000 --device /dev/console \
    --annotation "org.systemd.property.TimeoutStopUSec=uint64 7000000" --annotation "org.systemd.property.CollectMode='inactive-or-failed'" localhost/bb sleep 1000)
place=/sys/fs/cgroup/machine.slice/libpod-$id.scope
left
at_start libpod-$id.scope; unit TimeoutStopUSec,CollectMode libpod-$id.scope; limits libpod-$id.scope; files $place
podman exec p1 sh -c 'cat /proc/self/cgroup; grep cgroup /proc/mounts; cat /sys/fs/cgroup/pids.max'
podman stats --no-stream --format '{{.Name}} {{.PIDs}} {{.MemLimit}}' p1
podman pause p1; cat $place/cgroup.freeze; podman unpause p1; cat $place/cgroup.freeze
podman update --memory 64m --memory-swap 96m --cpus 0.25 p1 | ids; limits libpod-$id.scope
rewrite libpod-$id.scope; files $place; podman exec p1 sh -c 'echo >/dev/null && echo null; cat /dev/vda'
podman restart -t 0 p1 | ids; limits libpod-$id.scope
podman stop -t 0 p1; say stopped "$(podman inspect -f '{{.State.ExitCode}} {{.State.Status}}' p1)"; left
run --name o1 --memory 16m --memory-swap 16m --systemd always localhost/bb sh -c "mkdir /sys/fs/cgroup/mine && ls -d /sys/fs/cgroup/mine; $hungry"; say out-of-memory $?
podman pod create --network none --name pod --infra-image localhost/bb --infra-command 'sleep 1000' | wc -c
podman run --rm --pod pod --cgroupns host localhost/bb cat /proc/self/cgroup | sed 's/[0-9a-f]\{64\}/ID/g'
podman pod rm -f -t 0 pod | wc -c; podman rm o1 p1 | sort; left
