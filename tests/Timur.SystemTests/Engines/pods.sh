#!/bin/sh
# Drives Podman's pods and whatever else podman.sh doesn't with the OCI runtime $1 on the root file system $2, in the directory $3; prints what can be compared.
runtime=$1 rootfs=$2 dir=$3
exec 2>&1
export CONTAINERS_CONF="$dir/containers.conf" TMPDIR="$dir"
cat >"$CONTAINERS_CONF" <<Y
[containers]
default_ulimits = ["nofile=20000:20000", "nproc=4096:4096"]
[network]
network_config_dir = "$dir/networks"
$(cat "$dir/engine.conf")
cgroup_manager = "cgroupfs"
events_logger = "file"
infra_image = "localhost/pause"
Y
# Podman takes a runtime for what it is called.
mkdir "$dir/bin" "$dir/networks" && ln -s "$runtime" "$dir/bin/runc"
podman() { command podman --root "$dir/root" --runroot "$dir/run" --tmpdir "$dir/tmp" "$@"; }
say() { echo "$1: $2"; }
await() { for i in $(seq 300); do [ "$(eval "$1" 2>/dev/null)" = "$2" ] && break; sleep 0.2; done; eval "$1"; }
chmod 1777 "$rootfs/tmp"
tar -C "$rootfs" -c . | podman import -q --change 'ENV PATH=/bin' --change 'CMD ["sh"]' - localhost/bb | wc -l
tar -C "$rootfs" -c . | podman import -q --change 'ENV PATH=/bin' --change 'CMD ["sleep", "1000"]' - localhost/pause | wc -l

echo '# a pod'
podman pod create --name pod --network none --hostname podhost --sysctl kernel.shm_rmid_forced=1 | wc -l
podman run -d --pod pod --name a localhost/bb sleep 1000 | wc -l
podman run -d --pod pod --name b localhost/bb sleep 1000 | wc -l
podman exec b sh -c 'hostname; cat /proc/sys/kernel/shm_rmid_forced; cat /proc/1/comm'
spaces() { podman exec "$1" sh -c 'for kind in net ipc uts pid; do readlink /proc/self/ns/$kind; done'; }
{ spaces a; spaces b; } | sort | uniq -c | sed 's/ *\([0-9]\) \([a-z]*\).*/\1 \2/'
podman pod ps --format '{{.Name}} {{.Status}} {{.NumberOfContainers}}'
podman pod pause pod >/dev/null; podman ps --format '{{.Names}} {{.Status}}' | cut -d' ' -f1,2 | grep '^[ab] ' | sort; podman pod unpause pod >/dev/null
podman pod stats --no-stream --format '{{.Name}} {{.PIDS}}' pod | sed 's/^[0-9a-f]*-infra/infra/' | sort
podman pod top pod comm | sort
podman pod stop -t 0 pod >/dev/null 2>&1; podman pod start pod >/dev/null; podman exec a cat /proc/1/comm
podman pod create --name shared --network none --share ipc,net,uts,pid | wc -l
podman run --rm --pod shared localhost/bb cat /proc/1/comm
podman pod rm -t 0 -f pod shared 2>/dev/null | wc -l

echo '# kube play'
mkdir -m 777 "$dir/host" "$dir/shared"; chmod 777 "$dir/shared"; echo 'from the host' >"$dir/host/file"
cat >"$dir/pod.yaml" <<Y
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  hostname: webhost
  containers:
  - name: main
    image: localhost/bb
    command: [sh, -c, "cat /host/file; touch /shared/made; id -u; hostname; echo \$A; exec sleep 1000"]
    env: [{name: A, value: b}]
    securityContext: {runAsUser: 1000, readOnlyRootFilesystem: true, capabilities: {drop: [CHOWN]}}
    resources: {limits: {memory: 64Mi, cpu: 500m}}
    volumeMounts: [{name: shared, mountPath: /shared}, {name: host, mountPath: /host, readOnly: true}]
  - name: beside
    image: localhost/bb
    command: [sleep, "1000"]
    volumeMounts: [{name: shared, mountPath: /shared}]
  volumes:
  - {name: shared, hostPath: {path: $dir/shared, type: Directory}}
  - {name: host, hostPath: {path: $dir/host, type: Directory}}
Y
podman play kube --network none "$dir/pod.yaml" 2>/dev/null | grep -c .
await "podman logs web-main | wc -l" 4; podman logs web-main
podman exec web-main sh -c 'touch /x 2>&1; touch /host/x 2>&1; grep CapBnd /proc/self/status; cd /sys/fs/cgroup; cat memory/memory.limit_in_bytes cpu/cpu.cfs_quota_us 2>/dev/null || cat memory.max cpu.max'
podman exec web-beside ls /shared
podman ps -a --format '{{.Names}} {{.Status}}' | cut -d' ' -f1,2 | sed 's/^[0-9a-f]*-infra/infra/' | sort
podman generate kube web 2>/dev/null | grep -c 'image: localhost/bb'
podman play kube --down "$dir/pod.yaml" 2>/dev/null | wc -l

echo '# one container'
podman volume create vol >/dev/null
podman run -d --name one --network none -v vol:/vol -v "$dir/host:/host:ro" --mount type=tmpfs,destination=/t,tmpfs-size=1m \
    --health-cmd 'test -e /healthy' --health-interval disable localhost/bb sh -c 'echo begun; trap "exit 4" TERM; while :; do sleep 0.1; done' | wc -l
podman exec one sh -c 'echo kept >/vol/file; grep -cE " /(vol|host|t) " /proc/mounts'
podman healthcheck run one; say unhealthy $?; podman exec one touch /healthy; podman healthcheck run one; say healthy $?
echo copied >"$dir/given"; podman cp "$dir/given" one:/tmp/given; podman exec one cat /tmp/given; podman cp one:/etc/passwd "$dir/taken"; wc -l <"$dir/taken"
podman exec -d one sh -c 'echo detached >/tmp/detached' >/dev/null; await "podman exec one cat /tmp/detached" detached
echo typed | podman exec -i one cat
script -qec "podman --root $dir/root --runroot $dir/run --tmpdir $dir/tmp exec -it one tty" /dev/null </dev/null | tr -d '\000\r' | sed 's/\^@//'
podman exec --privileged one grep CapEff /proc/self/status; podman exec -u user --workdir /tmp one sh -c 'id -un; pwd'
podman logs one; podman top one pid comm | sed 1d | head -1
podman kill -s USR1 one >/dev/null; podman stop -t 60 one >/dev/null; podman inspect one --format '{{.State.ExitCode}}'
podman start one >/dev/null; podman exec one cat /vol/file; podman restart -t 60 one >/dev/null; podman ps --format '{{.Names}}' --filter status=running
podman rename one other; podman commit -q other localhost/committed | wc -l; podman rm -f -t 0 other | wc -l; podman run --rm --network none localhost/committed cat /tmp/given

echo '# options'
run() { podman run --rm --network none "$@"; }
echo containers:500000:65536 >"$dir/ids"; cp /etc/subuid "$dir/subuid"; cp /etc/subgid "$dir/subgid"
for kind in subuid subgid; do cat "$dir/ids" >>"$dir/$kind"; mount --bind "$dir/$kind" "/etc/$kind"; done
run --userns auto:size=1000 localhost/bb sh -c 'id -u; tr -s " " </proc/self/uid_map | cut -d" " -f2,4'
run --uidmap 0:200000:1000 --gidmap 0:300000:1000 --user 5:6 localhost/bb sh -c 'id -u; id -g; cat /proc/self/uid_map /proc/self/gid_map' | tr -s ' '
run --systemd=false --init-path /bin/busybox localhost/bb cat /proc/1/comm
run --security-opt seccomp=unconfined localhost/bb grep Seccomp: /proc/self/status
run --security-opt mask=/proc/version --security-opt unmask=/proc/kcore localhost/bb sh -c 'wc -c </proc/version'
run --ulimit nofile=100:200 --ulimit nproc=300:300 --sysctl net.ipv4.ip_forward=1 --hostname hh --shm-size 1m --device /dev/full:/dev/xx --group-add 7 localhost/bb \
    sh -c 'cat /proc/sys/net/ipv4/ip_forward; hostname; ulimit -n; stat -c %t:%T /dev/xx; grep shm /proc/mounts | grep -o size=[0-9k]*; id -G'
run --pid host --ipc host --uts host localhost/bb true; say host $?
run --cgroupns private localhost/bb sh -c 'grep memory: /proc/self/cgroup'
run --read-only --read-only-tmpfs=false localhost/bb sh -c 'touch /tmp/x'; say read-only $?
run --oom-score-adj 500 localhost/bb cat /proc/self/oom_score_adj
run --memory 8m localhost/bb dd if=/dev/zero of=/dev/null bs=20M count=1 >/dev/null 2>&1; say out-of-memory $?
run --log-driver none --preserve-fds 1 localhost/bb cat /proc/self/fd/3 3<"$dir/given"
run --timeout 1 localhost/bb sleep 100; say timeout $?
run --umask 0077 localhost/bb sh -c umask
run --rootfs "$rootfs" sh -c 'echo rootfs' 2>/dev/null || podman run --rm --network none --rootfs "$rootfs" sh -c 'echo rootfs'

echo '# a network'
podman network create --subnet 10.89.7.0/24 --disable-dns net >/dev/null
podman run -d --name server --network net --ip 10.89.7.5 localhost/bb busybox httpd -f -p 8080 -h /etc | wc -l
await "podman run --rm --network net localhost/bb busybox wget -q -O - http://10.89.7.5:8080/passwd | wc -l" 2
podman rm -f -t 0 server | wc -l; podman network rm -f net
podman rm -f -a -t 0 >/dev/null 2>&1; podman volume prune -f >/dev/null
umount /etc/subuid /etc/subgid
exit 0
