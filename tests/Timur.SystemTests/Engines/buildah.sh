#!/bin/sh
# Drives buildah with the OCI runtime $1 on the root file system $2, in the directory $3; prints what can be compared between runtimes.
runtime=$1 rootfs=$2 dir=$3
exec 2>&1
export BUILDAH_ISOLATION=oci BUILDAH_RUNTIME="$runtime" TMPDIR="$dir"
# Its own limits are what every machine allows.
export CONTAINERS_CONF="$dir/containers.conf"
printf '[containers]\ndefault_ulimits = ["nofile=20000:20000", "nproc=4096:4096"]\n' >"$CONTAINERS_CONF"
buildah() { command buildah --root "$dir/root" --runroot "$dir/run" --storage-driver vfs "$@"; }
run() { buildah run --network none "$@"; }
say() { echo "$1: $2"; }

mkdir "$dir/context"
chmod 1777 "$rootfs/tmp"
tar -C "$rootfs" -cf "$dir/context/base.tar" .
printf 'FROM scratch\nADD base.tar /\nENV PATH=/bin\nCMD ["sh"]\n' >"$dir/context/base"
buildah bud -q -t localhost/base -f "$dir/context/base" "$dir/context" | wc -l
c=$(buildah from localhost/base)
run "$c" sh -c 'id -u; echo $PATH; cat /proc/1/comm; exit 5'; say run $?
run --user 1000:1000 --env A=b --workingdir /etc "$c" sh -c 'id -u; id -g; pwd; echo $A'
run "$c" grep -E 'Cap(Eff|Bnd|Amb)|Seccomp:' /proc/self/status
run --cap-drop CAP_CHOWN --cap-add CAP_NET_ADMIN "$c" grep -E 'Cap(Eff|Bnd|Amb)' /proc/self/status
run --volume "$dir/context:/v:ro" "$c" sh -c 'ls /v; touch /v/x; exit 0'
run --mount type=tmpfs,destination=/t,tmpfs-size=1m "$c" sh -c 'grep " /t " /proc/mounts | cut -d" " -f3'
run --hostname hh "$c" hostname
script -qec "buildah --root $dir/root --runroot $dir/run --storage-driver vfs run -t --network none $c tty" /dev/null </dev/null | tr -d '\000\r' | sed 's/\^@//'
run "$c" /nope 2>&1 | grep -o 'exec: [^:]*: stat .*directory'; run "$c" /nope >/dev/null 2>&1; say missing $?
run --pid host --ipc host --uts host "$c" true; say host $?
buildah rm "$c" | wc -l

cat >"$dir/context/Dockerfile" <<'Y'
FROM localhost/base AS first
RUN echo first >/first && id -u
USER 1000:1000
WORKDIR /tmp
RUN id -u && pwd && touch mine
USER 0
RUN --mount=type=cache,target=/cache sh -c 'echo one >>/cache/lines && wc -l </cache/lines'
RUN --mount=type=cache,target=/cache sh -c 'echo two >>/cache/lines && wc -l </cache/lines'
RUN --mount=type=tmpfs,target=/t sh -c 'grep -c " /t tmpfs" /proc/mounts'
RUN --mount=type=bind,source=base,target=/b cat /b
RUN --mount=type=secret,id=s,target=/s cat /s
FROM localhost/base
COPY --from=first /first /tmp/mine /
RUN ls -ln /mine | cut -c1-10 && cat /first
CMD cat /first
Y
echo secret >"$dir/secret"
buildah bud --runtime "$runtime" --isolation oci --network none --secret "id=s,src=$dir/secret" -t localhost/made "$dir/context" 2>&1 | grep -v 'STEP\|^Getting\|^Copying\|^Writing\|COMMIT\|^Storing\|^-->\|^[0-9a-f]\{64\}$'
c=$(buildah from localhost/made); run "$c" cat /first; buildah commit -q "$c" localhost/other | wc -l; buildah rm "$c" | wc -l
printf 'FROM localhost/base\nRUN exit 3\n' >"$dir/context/failing"
buildah bud --network none -f "$dir/context/failing" "$dir/context"; say failing $?
exit 0
