# In the virtual machine: carries one connection from the machine's port "engine" to containerd's TCP socket. No device is made by name: nothing here has udev.
for port in /sys/class/virtio-ports/*; do
    [ "$(cat "$port/name")" != engine ] || channel=/dev/${port##*/}
done
# The port can be opened once.
nc 127.0.0.1 1338 <>"$channel" >&0 2>/dev/null &
