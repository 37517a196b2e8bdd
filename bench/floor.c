/*
 * The floor below an OCI runtime: what the kernel alone takes for `run` of a container with the full default profile. It makes the system calls that
 * `timur oci run` makes on that bundle, in its order, and knows nothing else: no configuration is parsed, no filter is compiled.
 *
 *     floor STATE-DIRECTORY BUNDLE ROOT CGROUP FILTER COMMAND [ARGUMENT...]
 *
 * CGROUP is a name at the top of each hierarchy, FILTER a file with an array of struct sock_filter. It ends as the command does.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#define MS_REC_SLAVE (0x4000 | 0x80000)
#define RO MOUNT_ATTR_RDONLY
#define NSE (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)
#define OPEN_PATH (O_PATH | O_CLOEXEC)

static const char *const controllers[] = {"memory", "cpu", "cpuacct", "pids", "devices", "freezer", "blkio", "cpuset"};
static const char *const rules[] = {"c *:* m", "b *:* m", "c 1:3 rwm", "c 1:5 rwm", "c 1:7 rwm", "c 1:8 rwm", "c 1:9 rwm", "c 5:0 rwm", "c 5:1 rwm", "c 5:2 rwm", "c 136:* rwm", "c 10:200 rwm"};
static const char *const readonly_paths[] = {"bus", "fs", "irq", "sys", "sysrq-trigger"};
static const char *const masked_in_proc[] = {"acpi", "asound", "interrupts", "kcore", "keys", "latency_stats", "sched_debug", "scsi", "timer_list", "timer_stats"};
static const char *const masked_in_sys[] = {"devices/virtual/powercap", "firmware"};
static const int kept_capabilities[] = {0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31};
static const struct { const char *name; int major, minor; } nodes[] = {{"null", 1, 3}, {"zero", 1, 5}, {"full", 1, 7}, {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0}};
static const char *const links[][2] = {
    {"/proc/self/fd", "fd"}, {"/proc/self/fd/0", "stdin"}, {"/proc/self/fd/1", "stdout"}, {"/proc/self/fd/2", "stderr"}, {"pts/ptmx", "ptmx"}, {"/proc/kcore", "core"}};

static const char *bundle, *root, *cgroup;
static char *const *command;
static struct sock_fprog filter;
static char buffer[65536];

#define EACH(i, list) for (size_t i = 0; i < sizeof(list) / sizeof(*(list)); i++)

static long check(long result, const char *what)
{
    if (result < 0) {
        fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
        _exit(125);
    }
    return result;
}

static const char *path(const char *format, const char *a, const char *b)
{
    static char text[8][4096];
    static int next;
    next = (next + 1) % 8;
    snprintf(text[next], sizeof text[next], format, a, b);
    return text[next];
}

static long read_file(const char *name)
{
    int fd = check(open(name, O_RDONLY | O_CLOEXEC), name);
    long size = 0, count;
    while ((count = check(read(fd, buffer + size, sizeof buffer - size), name)) > 0)
        size += count;
    close(fd);
    return size;
}

static void write_file(const char *name, int flags, const void *bytes, size_t size)
{
    int fd = check(open(name, O_WRONLY | O_CLOEXEC | flags, 0600), name);
    check(write(fd, bytes, size), name);
    close(fd);
}

static int in_root(int directory, const char *name, int flags)
{
    struct open_how how = {.flags = O_PATH | O_CLOEXEC | flags, .resolve = RESOLVE_NO_MAGICLINKS | RESOLVE_IN_ROOT};
    return syscall(SYS_openat2, directory, name, &how, sizeof how);
}

static int configured(const char *type, const char *const options[][2])
{
    int fs = check(syscall(SYS_fsopen, type, FSOPEN_CLOEXEC), type);
    for (; (*options)[0]; options++)
        check(syscall(SYS_fsconfig, fs, (*options)[1] ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, (*options)[0], (*options)[1], 0), (*options)[0]);
    check(syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0), type);
    return fs;
}

static int make(const char *type, int attributes, const char *const options[][2])
{
    return check(syscall(SYS_fsmount, configured(type, options), FSMOUNT_CLOEXEC, attributes), type);
}

static void attach(int mount, int target)
{
    check(syscall(SYS_move_mount, mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH), "move_mount");
}

static int cloned(int directory, const char *name, int flags)
{
    return check(syscall(SYS_open_tree, directory, name, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | flags), name);
}

static void change(int mount, int flags, int attributes, int propagation)
{
    struct mount_attr attr = {.attr_set = attributes, .propagation = propagation};
    check(syscall(SYS_mount_setattr, mount, "", AT_EMPTY_PATH | flags, &attr, sizeof attr), "mount_setattr");
}

/* What isn't there is made, as below a new /dev. */
static int target(int directory, const char *name, const char *parent, const char *last)
{
    int fd = in_root(directory, name, O_DIRECTORY);
    if (fd >= 0)
        return fd;
    int up = check(in_root(directory, parent, O_DIRECTORY), parent);
    in_root(directory, name, O_DIRECTORY);
    check(mkdirat(up, last, 0755), last);
    return check(in_root(directory, name, O_DIRECTORY), name);
}

#define OPTIONS(...) ((const char *const[][2]){__VA_ARGS__, {NULL, NULL}})

static void mount_cgroups(int rootfs)
{
    int place = target(rootfs, "sys/fs/cgroup", "sys/fs", "cgroup");
    int views = make("tmpfs", NSE, OPTIONS({"source", "tmpfs"}, {"mode", "755"}, {"size", "64k"}));
    EACH(i, controllers) mkdirat(views, controllers[i], 0755);
    attach(views, place);
    EACH(i, controllers) {
        int view = in_root(views, controllers[i], O_DIRECTORY);
        int tree = cloned(AT_FDCWD, path("/sys/fs/cgroup/%s/%s", controllers[i], cgroup), 0);
        change(tree, 0, RO | NSE, 0);
        attach(tree, view);
    }
    change(views, 0, RO, 0);
}

static void mask(int directory, const char *name, int empty, int null)
{
    int fd = in_root(directory, name, O_DIRECTORY);
    if (fd >= 0) {
        attach(cloned(empty, "", AT_EMPTY_PATH), fd);
        return;
    }
    fd = in_root(directory, name, 0);
    if (fd < 0)
        return;
    int tree = cloned(null, "", AT_EMPTY_PATH);
    change(tree, 0, RO | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, 0);
    attach(tree, fd);
}

static void build_root(void)
{
    check(syscall(SYS_mount, "none", "/", NULL, MS_REC_SLAVE, NULL), "slave");
    int tree = cloned(AT_FDCWD, root, AT_RECURSIVE);
    change(tree, AT_RECURSIVE, 0, 0x40000);
    int empty = make("tmpfs", RO | NSE, OPTIONS({"source", "mask"}, {"size", "0"}, {"nr_inodes", "1"}, {"mode", "0555"}));
    check(syscall(SYS_move_mount, empty, "", AT_FDCWD, root, MOVE_MOUNT_F_EMPTY_PATH), root);
    int null = check(open("/dev/null", OPEN_PATH), "/dev/null");
    check(syscall(SYS_move_mount, tree, "", AT_FDCWD, root, MOVE_MOUNT_F_EMPTY_PATH), root);
    int rootfs = check(open(root, OPEN_PATH | O_DIRECTORY), root);
    int at = target(rootfs, "proc", ".", "proc");
    int proc = make("proc", NSE, OPTIONS({"source", "proc"}));
    attach(proc, at);
    at = target(rootfs, "dev", ".", "dev");
    int dev = make("tmpfs", MOUNT_ATTR_NOSUID | MOUNT_ATTR_STRICTATIME, OPTIONS({"source", "tmpfs"}, {"mode", "755"}, {"size", "65536k"}));
    attach(dev, at);
    at = target(rootfs, "dev/pts", "dev", "pts");
    attach(make("devpts", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, OPTIONS({"source", "devpts"}, {"newinstance", NULL}, {"ptmxmode", "0666"}, {"mode", "0620"}, {"gid", "5"})), at);
    at = target(rootfs, "sys", ".", "sys");
    int sys = make("sysfs", RO | NSE, OPTIONS({"source", "sysfs"}));
    attach(sys, at);
    mount_cgroups(rootfs);
    at = target(rootfs, "dev/mqueue", "dev", "mqueue");
    attach(make("mqueue", NSE, OPTIONS({"source", "mqueue"})), at);
    at = target(rootfs, "dev/shm", "dev", "shm");
    attach(make("tmpfs", NSE, OPTIONS({"source", "shm"}, {"mode", "1777"}, {"size", "67108864"})), at);
    EACH(i, nodes) check(mknodat(dev, nodes[i].name, S_IFCHR | 0666, makedev(nodes[i].major, nodes[i].minor)), nodes[i].name);
    EACH(i, links) check(symlinkat(links[i][0], dev, links[i][1]), links[i][1]);
    EACH(i, readonly_paths) {
        int fd = in_root(proc, readonly_paths[i], 0);
        if (fd < 0)
            continue;
        int view = cloned(fd, "", AT_EMPTY_PATH | AT_RECURSIVE);
        change(view, AT_RECURSIVE, RO, 0);
        attach(view, fd);
    }
    EACH(i, masked_in_proc) mask(proc, masked_in_proc[i], empty, null);
    EACH(i, masked_in_sys) mask(sys, masked_in_sys[i], empty, null);
    int old = check(open("/", OPEN_PATH | O_DIRECTORY), "/");
    fchdir(rootfs);
    check(syscall(SYS_pivot_root, ".", "."), "pivot_root");
    fchdir(old);
    check(syscall(SYS_mount, "none", ".", NULL, MS_REC_SLAVE, NULL), "slave");
    check(syscall(SYS_umount2, ".", 2), "umount2");
    chdir("/");
}

static void drop_rights(void)
{
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    unsigned long long kept = 0;
    EACH(i, kept_capabilities) kept |= 1ull << kept_capabilities[i];
    for (int capability = 0; capability <= CAP_LAST_CAP; capability++)
        if (!(kept >> capability & 1))
            prctl(PR_CAPBSET_DROP, capability);
    chdir("/");
    getcwd(buffer, 4096);
    prctl(PR_SET_KEEPCAPS, 1);
    syscall(SYS_setgroups, 0, NULL);
    syscall(SYS_setresgid, 0, 0, 0);
    syscall(SYS_setresuid, 0, 0, 0);
    prctl(PR_SET_KEEPCAPS, 0);
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[2] = {{.effective = (unsigned)kept, .permitted = (unsigned)kept}};
    check(syscall(SYS_capset, &header, sets), "capset");
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    umask(022);
    check(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter), "seccomp");
}

static void child(int report)
{
    umask(0);
    setsid();
    int net = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    check(ioctl(net, SIOCSIFFLAGS, &lo), "lo");
    close(net);
    EACH(i, controllers) write_file(path("/sys/fs/cgroup/%s/%s/tasks", controllers[i], cgroup), 0, "0", 1);
    check(unshare(CLONE_NEWCGROUP), "unshare");
    build_root();
    sethostname("floor", 5);
    syscall(SYS_keyctl, 1, "_ses.floor");
    dup3(0, 3, 0); dup3(1, 4, 0); dup3(2, 5, 0);
    dup3(report, 999, O_CLOEXEC);
    syscall(SYS_close_range, 3, 998, 0);
    syscall(SYS_close_range, 1000, ~0u, 0);
    drop_rights();
    static char *const environment[] = {"HOSTNAME=floor", "HOME=/root", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL};
    execvpe(command[0], command, environment);
    write(999, &errno, sizeof errno);
    _exit(127);
}

/* A new cpuset is empty and takes no process. */
static void inherit_cpuset(const char *file)
{
    read_file(path("/sys/fs/cgroup/cpuset/%s/%s", cgroup, file));
    long size = read_file(path("/sys/fs/cgroup/cpuset/%s%s", file, ""));
    write_file(path("/sys/fs/cgroup/cpuset/%s/%s", cgroup, file), 0, buffer, size);
}

static void make_cgroups(void)
{
    struct statfs fs;
    statfs("/sys/fs/cgroup", &fs);
    read_file("/proc/self/cgroup");
    EACH(i, controllers) statfs(path("/sys/fs/cgroup/%s%s", controllers[i], ""), &fs);
    EACH(i, controllers) check(mkdir(path("/sys/fs/cgroup/%s/%s", controllers[i], cgroup), 0755), controllers[i]);
    inherit_cpuset("cpuset.cpus");
    inherit_cpuset("cpuset.mems");
    write_file(path("/sys/fs/cgroup/devices/%s/%s", cgroup, "devices.deny"), 0, "a", 1);
    EACH(i, rules) write_file(path("/sys/fs/cgroup/devices/%s/%s", cgroup, "devices.allow"), 0, rules[i], strlen(rules[i]));
}

static int wait_for(int pid, int pidfd)
{
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN};
    epoll_ctl(epoll, EPOLL_CTL_ADD, pidfd, &event);
    epoll_wait(epoll, &event, 1, -1);
    close(epoll);
    int status = 0;
    check(waitpid(pid, &status, __WALL), "wait4");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int count, char **words)
{
    if (count < 7) {
        fprintf(stderr, "usage: floor STATE-DIRECTORY BUNDLE ROOT CGROUP FILTER COMMAND [ARGUMENT...]\n");
        return 125;
    }
    const char *state = words[1];
    bundle = words[2], root = words[3], cgroup = words[4], command = words + 6;
    long size = read_file(path("%s/%s", bundle, "config.json"));
    check(mkdir(state, 0700), state);
    int lock = check(open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC), state);
    flock(lock, LOCK_EX);
    write_file(path("%s/%s", state, "config.json"), O_CREAT | O_TRUNC, buffer, size);
    make_cgroups();
    size = read_file(words[5]);
    filter = (struct sock_fprog){.len = size / sizeof(struct sock_filter), .filter = memcpy(malloc(size), buffer, size)};
    write_file(path("%s/%s", state, "filter"), O_CREAT | O_TRUNC, buffer, size);
    read_file("/proc/self/status");

    int pair[2], pidfd = -1;
    check(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), "socketpair");
    struct clone_args arguments = {
        .flags = CLONE_PIDFD | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET | CLONE_CLEAR_SIGHAND | CLONE_VFORK | CLONE_VM,
        .pidfd = (unsigned long)&pidfd,
        .exit_signal = SIGCHLD,
        .stack = (unsigned long)mmap(NULL, 1 << 17, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0),
        .stack_size = (1 << 17) - 16,
    };
    /* On a stack of its own the child may not return from here: it calls child() at once, with registers that the call keeps. */
    long pid;
    register long report __asm__("r12") = pair[1];
    register void (*entry)(int) __asm__("r13") = child;
    __asm__ volatile("syscall\n\ttest %%rax, %%rax\n\tjnz 1f\n\tmov %%r12, %%rdi\n\tcall *%%r13\n\thlt\n1:"
                     : "=a"(pid) : "a"(SYS_clone3), "D"(&arguments), "S"(sizeof arguments), "r"(report), "r"(entry) : "rcx", "r11", "memory");
    if (pid < 0) {
        errno = -pid;
        check(-1, "clone3");
    }
    close(pair[1]);
    int failed;
    if (read(pair[0], &failed, sizeof failed) > 0) {
        errno = failed;
        check(-1, command[0]);
    }
    int length = snprintf(buffer, sizeof buffer, "{\"id\":\"%s\",\"pid\":%ld}\n", cgroup, pid);
    write_file(path("%s/%s", state, ".state.json"), O_CREAT | O_TRUNC, buffer, length);
    rename(path("%s/%s", state, ".state.json"), path("%s/%s", state, "state.json"));

    int code = wait_for(pid, pidfd);
    read_file(path("/sys/fs/cgroup/pids/%s/%s", cgroup, "cgroup.procs"));
    EACH(i, controllers) check(rmdir(path("/sys/fs/cgroup/%s/%s", controllers[i], cgroup)), "rmdir");
    unlink(path("%s/%s", state, "state.json"));
    unlink(path("%s/%s", state, "config.json"));
    unlink(path("%s/%s", state, "filter"));
    rmdir(state);
    return code;
}
