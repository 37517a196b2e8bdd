#!/bin/sh
# Drives a swarm of two nodes, each in a network of its own, whose runtime $3/daemon.json names, on the root file system $2, in the directory $3; prints what can be compared.
# Virtual addresses of services and of published ports need IPVS, which not every kernel has: services are found by the names of their tasks.
rootfs=$2 dir=$3
exec 2>&1
ip netns add second
ip link add wire type veth peer name wire netns second
ip addr add 10.99.0.1/24 dev wire; ip link set wire up
ip -n second addr add 10.99.0.2/24 dev wire; ip -n second link set wire up; ip -n second link set lo up
start() { # start NODE NETWORK
    nsenter --net="$2" dockerd --config-file "$dir/daemon.json" --data-root "$dir/root-$1" --exec-root "$dir/exec-$1" --pidfile "$dir/pidfile-$1" -H "unix://$dir/sock-$1" \
        --iptables=false --ip6tables=false --ip-forward=false --ip-masq=false --exec-opt native.cgroupdriver=cgroupfs >"$dir/$1.log" 2>&1 &
    for i in $(seq 600); do docker -H "unix://$dir/sock-$1" version >/dev/null 2>&1 && break; sleep 0.2; done
    tar -C "$rootfs" -c . | docker -H "unix://$dir/sock-$1" import -c 'ENV PATH=/bin' - bb:1 >/dev/null
}
one() { docker -H "unix://$dir/sock-one" "$@"; }
two() { docker -H "unix://$dir/sock-two" "$@"; }
say() { echo "$1: $2"; }
await() { for i in $(seq 450); do [ "$(eval "$1" 2>/dev/null)" = "$2" ] && break; sleep 0.2; done; eval "$1"; }
running() { one service ps "$1" --filter desired-state=running --format '{{.CurrentState}}' | grep -c Running; }
start one /proc/self/ns/net
start two /run/netns/second
one info --format '{{.DefaultRuntime}}'

one swarm init --dispatcher-heartbeat 1s --advertise-addr 10.99.0.1 >/dev/null; say init $?
two swarm join --advertise-addr 10.99.0.2 --token "$(one swarm join-token -q worker)" 10.99.0.1:2377
second=$(two info --format '{{.Swarm.NodeID}}')
await "one node ls --format '{{.Status}} {{.Availability}}' | sort | uniq -c | tr -s ' '" ' 2 Ready Active'
one network create -d overlay --attachable net | wc -l
echo secret | one secret create word - | wc -l
echo configured | one config create setting - | wc -l
service() { one service create -d --quiet --no-resolve-image --network net --endpoint-mode dnsrr --stop-grace-period 100ms --restart-delay 100ms --update-monitor 100ms --rollback-monitor 100ms "$@" >/dev/null; }
service --name web --replicas 4 --limit-memory 32m --env A=b --secret word --config src=setting,target=/setting --hostname '{{.Service.Name}}-{{.Task.Slot}}' bb:1 \
    sh -c 'cp /etc/hostname /tmp/index.html; exec busybox httpd -f -p 8080 -h /tmp'
await 'running web' 4
for node in one two; do [ "$($node ps -q --filter label=com.docker.swarm.service.name=web | wc -l)" -gt 0 ] && echo "tasks on $node"; done
task=$(two ps -q --filter label=com.docker.swarm.service.name=web | head -1)
two exec "$task" sh -c 'cat /run/secrets/word /setting; echo $A; hostname | cut -d- -f1; cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max'
# Across the wire, by address and by name, both ways.
address=$(two inspect "$task" --format '{{.NetworkSettings.Networks.net.IPAddress}}')
await "one run --rm --network net bb:1 busybox wget -q -O - http://$address:8080/ | grep -c web" 1
here=$(one ps -q --filter label=com.docker.swarm.service.name=web | head -1)
await "one exec $here busybox nslookup tasks.web 2>/dev/null | grep -c '^Address:.*10\\.\\|^Address [0-9]*: 10\\.'" 4
await "two exec $task busybox wget -q -O - http://\$(one inspect $here --format '{{.NetworkSettings.Networks.net.IPAddress}}'):8080/ | grep -c web" 1
await "two exec $task busybox wget -q -O - http://web:8080/ | grep -c web" 1

one service scale -d web=2 >/dev/null; await 'running web' 2
one service update -d --quiet --env-add A=c --limit-memory 48m --update-delay 0s --update-parallelism 1 web >/dev/null
await "one service inspect web --format '{{.UpdateStatus.State}}'" completed
for node in one two; do for task in $($node ps -q --filter label=com.docker.swarm.service.name=web); do $node exec "$task" sh -c 'echo $A; cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max'; done; done
one service update -d --quiet --force web >/dev/null; await "one service inspect web --format '{{.UpdateStatus.State}}'" completed; await 'running web' 2
one service rollback -d --quiet web >/dev/null; await "one service inspect web --format '{{.UpdateStatus.State}}'" rollback_completed
one service ps web --filter desired-state=running --format '{{.Name}}' | sort

service --name all --mode global bb:1 sleep 1000; await 'running all' 2
service --name failing --restart-max-attempts 1 bb:1 sh -c 'exit 7'
await "one service ps failing --format '{{.Error}}' | grep -c 'non-zero exit (7)'" 2
task=$(two ps -q --filter label=com.docker.swarm.service.name=all); two kill "$task" >/dev/null; await "two ps -q --filter label=com.docker.swarm.service.name=all | grep -vc $(echo "$task" | cut -c1-12)" 1
one node update --availability drain "$second" >/dev/null
await "two ps -q | wc -l" 0; await 'running web' 2; one ps -q --filter label=com.docker.swarm.service.name=web | wc -l
one service rm web all failing; await 'one ps -q | wc -l' 0
two swarm leave; await "one node ls --format '{{.Status}}' | grep -c Down" 1; one node rm --force "$second" | wc -l; one network rm net; one swarm leave --force
exit 0
