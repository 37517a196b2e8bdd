#!/bin/sh
# Drives dockerd with the OCI runtime $1 on the root file system $2, in the directory $3; prints what can be compared between runtimes.
runtime=$1 rootfs=$2 dir=$3
exec 2>&1
dockerd --data-root "$dir/root" --exec-root "$dir/exec" --pidfile "$dir/pidfile" -H "unix://$dir/sock" --iptables=false --ip6tables=false --ip-forward=false --ip-masq=false \
    --add-runtime "tested=$runtime" --exec-opt native.cgroupdriver=cgroupfs >"$dir/log" 2>&1 &
daemon=$!
trap 'kill $daemon; wait $daemon' EXIT
docker() { command docker -H "unix://$dir/sock" "$@"; }
run() { docker run --runtime tested "$@"; }
say() { echo "$1: $2"; }
for i in $(seq 600); do docker version >/dev/null 2>&1 && break; sleep 0.2; done

tar -C "$rootfs" -c . | docker import - bb >/dev/null
run --rm bb sh -c 'id -u; echo $PATH $HOME; exit 5'; say run $?
run --rm bb sh -c 'ls /sys/class/net; grep -c : /proc/net/dev'; say bridge $?
run -d --name p1 bb sleep 100 | wc -c
docker exec p1 sh -c 'ps | grep -c "root     sleep 100$"; exit 3'; say exec $?
docker exec -e X=y -w /etc -u 1000:1000 p1 sh -c 'id -u; pwd; echo $X'
docker exec p1 /nope; say exec $?
docker exec p1 nope; say exec $?
script -qec "docker -H unix://$dir/sock exec -it p1 tty" /dev/null </dev/null | tr -d '\000\r' | sed 's/\^@//'
docker pause p1; docker ps --format '{{.Status}}' | grep -o Paused; docker exec p1 true; say paused $?; docker unpause p1
docker top p1 -o pid,comm | wc -l
docker stats --no-stream --format '{{.Name}} {{.PIDs}}' p1
docker update --memory 50m --memory-swap 60m p1; docker exec p1 cat /sys/fs/cgroup/memory/memory.limit_in_bytes
docker stop -t 0 p1; docker inspect p1 --format '{{.State.ExitCode}} {{.State.Status}}'
docker start p1; docker kill p1; docker rm -f p1
run --rm bb /nope 2>&1 | grep -o 'exec: .*'; run --rm bb /nope >/dev/null 2>&1; say missing $?
run --rm bb nope 2>&1 | grep -o 'exec: .*'; run --rm bb nope >/dev/null 2>&1; say missing $?
run --rm bb /etc 2>&1 | grep -o 'exec: .*'; run --rm bb /etc >/dev/null 2>&1; say directory $?
run --rm --tmpfs /x:size=1m -v "$dir:/y:ro" --read-only bb sh -c 'grep -E " /(x|y) " /proc/mounts | cut -d" " -f2,4 | cut -d, -f1 | sort; touch /a; sleep 0.3; test -e /a'; say read-only $?
run --rm --memory 30m --pids-limit 20 --cpus 0.5 --cap-drop all --cap-add chown --security-opt no-new-privileges bb grep -E 'Cap|NoNew|Seccomp:' /proc/self/status; say limits $?
run --rm --init bb cat /proc/1/comm; say init $?
run --rm --ulimit nofile=100:200 --sysctl net.ipv4.ip_forward=1 --hostname hh --shm-size 1m --device /dev/full:/dev/xx bb sh -c 'cat /proc/sys/net/ipv4/ip_forward; hostname; ulimit -n; stat -c %t:%T /dev/xx; grep shm /proc/mounts | grep -o size=[0-9k]*'; say options $?
run --rm --pid host --ipc host --uts host bb true; say host $?
run --rm --oom-score-adj 500 bb cat /proc/self/oom_score_adj
run --rm -v "$dir:/v:rshared" bb true; say shared $?
printf 'FROM bb\nRUN echo built >/built\nCMD cat /built\n' | docker build -q -t made - | wc -l
run --rm made; say built $?
run -d --name h1 --health-cmd true --health-interval 1s bb sleep 50 | wc -c
for i in $(seq 50); do docker inspect h1 --format '{{.State.Health.Status}}' | grep -q '^healthy' && break; sleep 0.1; done; docker inspect h1 --format '{{.State.Health.Status}}'
docker rm -f h1
run --rm --memory 8m bb dd if=/dev/zero of=/dev/null bs=20M count=1 >/dev/null 2>&1; say out-of-memory $?
docker system prune -f >/dev/null
exit 0
