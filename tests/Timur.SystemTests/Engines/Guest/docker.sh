# dockerd with systemd as the manager of cgroups; $runtime is runc or timur. It is spoken to as clients do: `docker` needs a second for each call in an emulated machine.
call() { curl -s --unix-socket /run/docker.sock -X "$1" -H 'Content-Type: application/json' --data-binary "${3:-}" "http://docker/v1.41/$2"; } # call METHOD PATH [BODY]
post() { call POST "containers/$1" "${2:-}" | grep -o '"message":.*'; }
inspect() { call GET containers/$1/json | grep -oE '"(Status|ExitCode|OOMKilled|RestartCount)":[^,]*' | tr '\n' ' '; }
create() { # create NAME HOST-CONFIGURATION COMMAND
    call POST "containers/create?name=$1" "{\"Image\":\"bb\",\"Tty\":true,\"Cmd\":$3,\"HostConfig\":{\"Runtime\":\"$runtime\",\"NetworkMode\":\"none\",$2}}" | cut -d'"' -f4
}
inside() { # inside NAME SCRIPT
    process=$(call POST "containers/$1/exec" "{\"AttachStdout\":true,\"AttachStderr\":true,\"Tty\":true,\"Cmd\":[\"sh\",\"-c\",\"$2\"]}" | cut -d'"' -f4)
    call POST "exec/$process/start" '{"Tty":true}' | tr -d '\r'
    call GET "exec/$process/json" | grep -o '"ExitCode":[0-9]*'
}
until_is() { for i in $(seq 150); do inspect "$1" | grep -q "$2" && break; sleep 0.2; done; inspect "$1"; echo; } # until_is NAME WORDS

[ -e /run/docker.pid ] || { systemctl start docker; call POST 'images/create?fromSrc=-&repo=bb' @bundle.tar >/dev/null; }
id=$(create p1 '"CgroupParent":"user-9.slice","Memory":33554432,"MemorySwap":50331648,"MemoryReservation":16777216,"PidsLimit":50,"NanoCpus":500000000,"CpuShares":512,"CpusetCpus":"0-1",
    "RestartPolicy":{"Name":"on-failure","MaximumRetryCount":2}' '["sleep","1000"]')
post p1/start
place=/sys/fs/cgroup/user.slice/user-9.slice/docker-$id.scope
left; at_start docker-$id.scope; limits docker-$id.scope; files $place
inside p1 'cat /proc/self/cgroup; grep cgroup /proc/mounts; cat /sys/fs/cgroup/pids.max; exit 3'
call GET 'containers/p1/stats?stream=false&one-shot=true' | grep -oE '"pids_stats":[^}]*|"limit":3[0-9]*'
post p1/pause; cat $place/cgroup.freeze; inspect p1; post p1/unpause; cat $place/cgroup.freeze; inspect p1
post p1/update '{"Memory":67108864,"MemorySwap":100663296,"NanoCpus":250000000,"PidsLimit":-1,"CpuShares":1024,"CpusetCpus":"1"}'; limits docker-$id.scope
rewrite docker-$id.scope; files $place; inside p1 'echo >/dev/null && echo null; cat /dev/vda'
systemctl kill -s KILL docker-$id.scope; until_is p1 '"running" .*"RestartCount":1'; limits docker-$id.scope
post 'p1/stop?t=0'; inspect p1; left
since=$(date +%s)
create o1 '"Memory":16777216,"MemorySwap":16777216' "[\"sh\",\"-c\",\"$hungry\"]" | wc -c
post o1/start; call POST containers/o1/wait | grep -o 'StatusCode":[0-9]*'; inspect o1; call GET 'containers/o1/logs?stdout=true' | tr -d '\r'
call GET "events?since=$since&until=$(($(date +%s) + 1))&filters=%7B%22container%22%3A%5B%22o1%22%5D%7D" | grep -oE '"Action":"[a-z]*"'
for name in p1 o1; do call DELETE containers/$name; done; left
