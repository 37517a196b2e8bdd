#!/bin/sh
# space.sh NAME: a machine of its own for an engine inside this one: processes, mounts, network, and cgroups below the cgroup NAME. Prints the process whose
# namespaces they are and lasts until standard input ends; then the kernel ends everything in it. Its cgroups are its caller's to remove.
set -eu
name=$1
case ${STAGE:-} in
'') # into the cgroup, which becomes the root of those inside
    hierarchies=/sys/fs/cgroup
    [ -e /sys/fs/cgroup/cgroup.procs ] || hierarchies='/sys/fs/cgroup/*'
    for hierarchy in $hierarchies; do
        [ -e "$hierarchy/cgroup.procs" ] || continue
        mkdir "$hierarchy/$name"
        for file in cpuset.cpus cpuset.mems; do
            [ ! -e "$hierarchy/cpuset.cpu_exclusive" ] || cat "$hierarchy/$file" >"$hierarchy/$name/$file"
        done
        echo $$ >"$hierarchy/$name/cgroup.procs"
    done
    STAGE=cgroup exec unshare -C sh "$0" "$@"
    ;;
cgroup) # with one hierarchy, a cgroup with processes has no controllers for cgroups inside it
    if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
        mkdir "/sys/fs/cgroup/$name/init"
        echo $$ >"/sys/fs/cgroup/$name/init/cgroup.procs"
    fi
    STAGE=all exec unshare -n -m -p -f --kill-child --propagation private sh "$0" "$@"
    ;;
esac
read -r process rest </proc/self/stat
mount -t tmpfs none /run
# Only what is below NAME is mounted: engines look cgroups up in the table of mounts. A new sysfs shows this space's links.
mkdir /run/cgroup
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    mount --bind "/sys/fs/cgroup/$name" /run/cgroup
else
    mount -t tmpfs none /run/cgroup
    for hierarchy in /sys/fs/cgroup/*; do
        [ -e "$hierarchy/$name/cgroup.procs" ] || continue
        mkdir "/run/cgroup/${hierarchy##*/}"
        mount --bind "$hierarchy/$name" "/run/cgroup/${hierarchy##*/}"
    done
fi
umount -R -l /sys
mount -t sysfs sys /sys
mount --move /run/cgroup /sys/fs/cgroup
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    for controller in $(cat /sys/fs/cgroup/cgroup.controllers); do echo "+$controller" >/sys/fs/cgroup/cgroup.subtree_control || true; done
fi
mount -t proc proc /proc
mount -t tmpfs none /var/lib
mkdir /run/lock
ip link set lo up
echo "$process"
exec 1>&-
cat >/dev/null
