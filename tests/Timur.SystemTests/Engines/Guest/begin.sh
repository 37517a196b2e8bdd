# In the virtual machine: starts systemd as process 1 of namespaces of its own, on the disk with the engines (tests/vm/engines), with all of cgroup v2 to itself.
# $containerd, $docker and $podman hold what the README says their configurations need.
modprobe -a ext4 2>/dev/null
root=/run/engines
mkdir -p $root
mount /dev/vdd $root
cp /usr/local/bin/timur $root/usr/bin/timur
mkdir -p $root/old $root/var/tmp $root/etc/containerd $root/etc/docker $root/etc/containers
ln -sf timur $root/usr/bin/timur-runc
# Podman takes a runtime for what it is called.
for runtime in /usr/sbin/runc /usr/bin/timur; do
    mkdir -p $root/opt/${runtime##*/} && ln -sf $runtime $root/opt/${runtime##*/}/runc
done
# Kubernetes' interface on TCP, for who comes over the machine's port (Guest/bridge.sh).
cat >$root/etc/containerd/config.toml <<X
version = 2
[grpc]
  tcp_address = "127.0.0.1:1338"
[plugins."io.containerd.grpc.v1.cri"]
  disable_tcp_service = false
  sandbox_image = "registry.example/pause:1"
$containerd
X
printf '%s\n' "$docker" >$root/etc/docker/daemon.json
printf '%s\n' "$podman" >$root/etc/containers/containers.conf
echo 'DOCKER_OPTS=--iptables=false --bridge=none' >$root/etc/default/docker
rm -rf $root/etc/cni
printf '[Unit]\nDescription=Engines\n' >$root/etc/systemd/system/default.target
mkdir -p $root/bundle/bin $root/bundle/etc
cp $root/bin/busybox $root/bundle/bin/
for applet in sh sleep cat dd id ls mkdir grep; do ln -sf busybox $root/bundle/bin/$applet; done
echo root:x:0:0:root:/:/bin/sh >$root/bundle/etc/passwd
tar -C $root/bundle -cf $root/bundle.tar .
cat >/run/start <<'X'
cd /run/engines
mount -t proc proc proc && mount --rbind /sys sys && mount --rbind /dev dev && mount -t tmpfs none run && mount -t tmpfs none tmp
pivot_root . old && umount -l /old
container=other PATH=/usr/sbin:/usr/bin exec /lib/systemd/systemd --unit=default.target --log-target=kmsg --show-status=false
X
unshare -m -p -f sh /run/start </dev/null >/run/systemd.log 2>&1 &
for i in $(seq 300); do
    process=$(pidof systemd | tr ' ' '\n' | sort -n | head -1)
    [ -z "$process" ] || [ ! -S "/proc/$process/root/run/systemd/private" ] || exec nsenter -t "$process" -m -p -r -w systemctl start dbus.socket
    sleep 0.2
done
echo "systemd does not start"; cat /run/systemd.log; dmesg | tail -20; exit 1
