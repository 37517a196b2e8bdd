# containerd's ctr with systemd as the manager of cgroups; $runtime is runc or timur.
systemctl start containerd
run() { ctr run --runc-binary /opt/$runtime/runc --runc-systemd-cgroup --env PATH=/bin --rootfs "$@"; }
ctr events >/tmp/events & events=$!
run -d --cgroup user-9.slice:ctr:c1 --memory-limit 33554432 --cpus 0.5 /bundle c1 sleep 1000; say detached $?
place=/sys/fs/cgroup/user.slice/user-9.slice/ctr-c1.scope
left; at_start ctr-c1.scope; limits ctr-c1.scope; files $place
ctr task exec --exec-id e1 c1 cat /proc/self/cgroup
ctr task metrics c1 | grep -oE '^(pids.current|memory.usage_limit) .*' | sed 's/  */ /g'
ctr task pause c1; cat $place/cgroup.freeze; ctr task resume c1
systemctl kill -s KILL ctr-c1.scope; for i in $(seq 100); do ctr task ls | grep -o STOPPED && break; sleep 0.2; done; left
ctr task rm c1 2>&1 | grep -o 'code 137'; ctr c rm c1; left
run --rm --cgroup system.slice:ctr:c2 /bundle c2 /nope 2>&1 | grep -o 'exec: .*'; left
kill $events; grep -oE '/tasks/(exit|delete|paused|create)' /tmp/events
