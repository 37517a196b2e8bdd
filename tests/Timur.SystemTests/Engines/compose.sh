#!/bin/sh
# Drives dockerd's builders, archives, restarts and user namespaces, and docker-compose, with the OCI runtime $1 on the root file system $2, in the directory
# $3; prints what can be compared between runtimes. $4 is the program timur.
runtime=$1 rootfs=$2 dir=$3 timur=$4
exec 2>&1
# BuildKit takes what is called runc in the daemon's path.
mkdir "$dir/bin" "$dir/app" && ln -s "$runtime" "$dir/bin/runc"
# The client that comes with the daemon has BuildKit's in it.
ln -s /usr/bin/docker "$dir/bin/docker"; PATH="$dir/bin:$PATH"
start() { # start NAME OPTIONS...
    name=$1; shift
    dockerd --data-root "$dir/root" --exec-root "$dir/exec-$name" --pidfile "$dir/pidfile-$name" -H "unix://$dir/sock-$name" --iptables=false --ip6tables=false --ip-forward=false --ip-masq=false \
        --add-runtime "tested=$runtime" --default-runtime tested --exec-opt native.cgroupdriver=cgroupfs "$@" >>"$dir/$name.log" 2>&1 &
    daemon=$!
    export DOCKER_HOST="unix://$dir/sock-$name" COMPOSE_PROJECT_NAME=app
    for i in $(seq 600); do docker version >/dev/null 2>&1 && return; sleep 0.2; done; echo "$name is not ready"; tail -5 "$dir/$name.log"
}
say() { echo "$1: $2"; }
await() { for i in $(seq 300); do [ "$(eval "$1" 2>/dev/null)" = "$2" ] && break; sleep 0.2; done; eval "$1"; }

start one --live-restore
tar -C "$rootfs" -c . | docker import -c 'ENV PATH=/bin' -c 'CMD ["sh"]' - bb >/dev/null
docker info --format '{{.DefaultRuntime}}'

echo '# BuildKit'
cat >"$dir/app/Dockerfile" <<'Y'
FROM bb AS first
RUN echo first >/first && id -u && cat /proc/1/comm
RUN --mount=type=cache,target=/cache echo one >>/cache/lines; wc -l </cache/lines
RUN --mount=type=tmpfs,target=/t grep -c ' /t tmpfs' /proc/mounts
RUN --mount=type=secret,id=s,target=/s cat /s
USER 1000:1000
RUN id -u && grep -E 'CapEff|Seccomp:' /proc/self/status
FROM bb
COPY --from=first /first /
CMD cat /first
Y
echo secret >"$dir/secret"
DOCKER_BUILDKIT=1 docker build --progress plain --secret "id=s,src=$dir/secret" -t made "$dir/app" 2>&1 | sed -n 's/^#[0-9]* [0-9.]\{3,\} \([^ ].*\)/\1/p'
docker run --rm made
printf 'FROM bb\nRUN exit 3\n' | DOCKER_BUILDKIT=1 docker build --progress plain - 2>&1 | grep -o 'exit code: 3' | sort -u

echo '# compose'
cat >"$dir/app/docker-compose.yml" <<'Y'
version: "3.7"
services:
  web:
    image: made
    command: sh -c 'echo web began; exec busybox httpd -f -p 8080 -h /etc'
    volumes: ["kept:/kept"]
    environment: {A: b}
    healthcheck: {test: "busybox wget -q -O - http://127.0.0.1:8080/passwd", interval: 1s, retries: 60}
  client:
    build: {context: ., dockerfile: Dockerfile.client}
    depends_on: [web]
    command: sh -c 'for i in $$(seq 100); do busybox wget -q -O - http://web:8080/passwd && break; sleep 0.2; done; exec sleep 1000'
    user: "1000"
    read_only: true
    cap_drop: [ALL]
    tmpfs: [/run]
    init: true
volumes: {kept: {}}
Y
printf 'FROM bb\nRUN echo client >/client\n' >"$dir/app/Dockerfile.client"
compose() { (cd "$dir/app" && docker-compose --no-ansi "$@" 2>/dev/null); }
compose up -d --build >/dev/null; say up $?
await "cd $dir/app; docker-compose logs --no-color client 2>/dev/null | grep -c ': */bin/sh\|:/bin/sh'" 2; compose logs --no-color | grep -v '^Attaching' | sed 's/ *|/ |/' | sort
compose ps -q | wc -l; compose exec -T web sh -c 'echo $A; echo kept >/kept/file'; compose exec -T client sh -c 'id -u; cat /client; touch /x; grep CapEff /proc/self/status; cat /proc/1/comm'; say exec $?
(cd "$dir/app" && script -qec "docker-compose exec web tty" /dev/null </dev/null 2>/dev/null) | tr -d '\000\r' | sed 's/\^@//' | grep pts
await "docker inspect app_web_1 --format '{{.State.Health.Status}}'" healthy
compose pause web; compose ps | grep -c Paused; compose unpause web
compose restart -t 1 web; compose exec -T web cat /kept/file
compose up -d --scale web=2 >/dev/null; compose ps -q web | wc -l
compose run --rm -T client echo ran; compose stop -t 1; compose ps | grep -c Exit; compose down -v -t 1; docker ps -aq | wc -l; docker volume ls -q | wc -l

echo '# the daemon ends, containers do not'
docker run -d --name lives --restart always bb sh -c 'echo begun; trap "exit 3" TERM; while :; do sleep 0.1; done' | wc -l
docker run -d --name again --restart on-failure:2 bb sh -c 'exit 7' | wc -l
await "docker inspect again --format '{{.RestartCount}} {{.State.Status}} {{.State.ExitCode}}'" '2 exited 7'
before=$(docker inspect lives --format '{{.State.Pid}}')
kill -9 $daemon; wait $daemon 2>/dev/null; rm -f "$dir/pidfile-one"; start one --live-restore
[ "$before" = "$(docker inspect lives --format '{{.State.Pid}}')" ] && echo 'the same process'
docker exec lives echo entered; docker exec lives kill -TERM 1; await "docker inspect lives --format '{{.RestartCount}} {{.State.Running}}'" '1 true'
docker stop -t 100 lives >/dev/null; docker inspect lives --format '{{.State.ExitCode}}'; docker start lives >/dev/null
script -qec "docker exec -it lives sh -c 'tty; stty size 2>/dev/null; exit 4'" /dev/null </dev/null | tr -d '\000\r' | sed 's/\^@//' | grep pts
docker update --cpus 0.5 --pids-limit 50 --memory 64m --memory-swap 64m lives >/dev/null; docker exec lives sh -c 'cd /sys/fs/cgroup; cat cpu/cpu.cfs_quota_us pids/pids.max memory/memory.limit_in_bytes'
docker stats --no-stream --format '{{.Name}} {{.PIDs}} {{.MemUsage}}' lives | sed 's/ [0-9.]*[KM]iB / N /'
docker cp "$dir/secret" lives:/tmp/given; docker exec lives cat /tmp/given; docker diff lives | sort; docker commit lives committed >/dev/null
docker rm -f lives again >/dev/null; docker run --rm committed cat /tmp/given

echo '# archives, both ways'
own() { "$timur" --root "$dir/timur" --state "$dir/timur-run" "$@"; }
docker save made -o "$dir/docker.tar"; own load -q -i "$dir/docker.tar" >/dev/null; own run --rm --network none made
printf 'FROM made\nRUN echo by timur >/second\nCMD cat /first /second\n' | own build -q --network none -t second - | wc -l
own save -o "$dir/timur.tar" second; docker load -q -i "$dir/timur.tar" | sed 's/sha256:.*/ID/'; docker run --rm --network none second
own clear --force --all >/dev/null
kill $daemon; wait $daemon

echo '# users of their own'
echo 'dockremap:300000:65536' >"$dir/ids"; echo 'dockremap:x:990:990::/:/bin/false' | cat /etc/passwd - >"$dir/passwd"; echo 'dockremap:x:990:' | cat /etc/group - >"$dir/group"
for file in subuid subgid; do cp "$dir/ids" "$dir/$file"; done
for file in subuid subgid passwd group; do mount --bind "$dir/$file" "/etc/$file"; done
chmod 711 "$dir"
start two --userns-remap dockremap
tar -C "$rootfs" -c . | docker import -c 'ENV PATH=/bin' - bb >/dev/null
docker run --rm bb sh -c 'id -u; cat /proc/self/uid_map; touch /x; ls -ln /x | cut -c1-20; ls -ln /dev/null | cut -c1-10' | tr -s ' '
docker run -d --name inside bb sleep 1000 | wc -l; docker exec -u 1000 inside id -u; grep -o '^Uid:.*' "/proc/$(docker inspect inside --format '{{.State.Pid}}')/status"; docker rm -f inside
docker run --rm --userns host bb sh -c 'tr -s " " </proc/self/uid_map'
kill $daemon; wait $daemon
umount /etc/subuid /etc/subgid /etc/passwd /etc/group
exit 0
