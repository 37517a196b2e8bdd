using System.Runtime.InteropServices;

namespace Timur.Kernel;

/// <summary>
/// System call numbers of the architecture this was compiled for (asm/unistd_64.h, asm-generic/unistd.h).
/// The compiler folds <see cref="Arm"/>, so that each is a constant in the binary.
/// </summary>
#pragma warning disable SA1300, IDE1006 // the kernel's spelling
internal static class Nr
{
    private static bool Arm => RuntimeInformation.ProcessArchitecture == Architecture.Arm64;

    internal static int read => Arm ? 63 : 0;
    internal static int write => Arm ? 64 : 1;
    internal static int close => Arm ? 57 : 3;
    internal static int lseek => Arm ? 62 : 8;
    internal static int mmap => Arm ? 222 : 9;
    internal static int munmap => Arm ? 215 : 11;
    internal static int rt_sigaction => Arm ? 134 : 13;
    internal static int rt_sigprocmask => Arm ? 135 : 14;
    internal static int rt_sigtimedwait => Arm ? 137 : 128;
    internal static int ioctl => Arm ? 29 : 16;
    internal static int pread64 => Arm ? 67 : 17;
    internal static int pwrite64 => Arm ? 68 : 18;
    internal static int sched_yield => Arm ? 124 : 24;
    internal static int dup => Arm ? 23 : 32;
    internal static int getpid => Arm ? 172 : 39;
    internal static int sendfile => Arm ? 71 : 40;
    internal static int socket => Arm ? 198 : 41;
    internal static int connect => Arm ? 203 : 42;
    internal static int sendto => Arm ? 206 : 44;
    internal static int recvfrom => Arm ? 207 : 45;
    internal static int sendmsg => Arm ? 211 : 46;
    internal static int recvmsg => Arm ? 212 : 47;
    internal static int shutdown => Arm ? 210 : 48;
    internal static int bind => Arm ? 200 : 49;
    internal static int listen => Arm ? 201 : 50;
    internal static int getsockname => Arm ? 204 : 51;
    internal static int socketpair => Arm ? 199 : 53;
    internal static int setsockopt => Arm ? 208 : 54;
    internal static int getsockopt => Arm ? 209 : 55;
    internal static int execve => Arm ? 221 : 59;
    internal static int execveat => Arm ? 281 : 322;
    internal static int exit => Arm ? 93 : 60;
    internal static int wait4 => Arm ? 260 : 61;
    internal static int kill => Arm ? 129 : 62;
    internal static int uname => Arm ? 160 : 63;

    internal static int sysinfo => Arm ? 179 : 99;
    internal static int fcntl => Arm ? 25 : 72;
    internal static int flock => Arm ? 32 : 73;
    internal static int fsync => Arm ? 82 : 74;
    internal static int fdatasync => Arm ? 83 : 75;
    internal static int ftruncate => Arm ? 46 : 77;
    internal static int getcwd => Arm ? 17 : 79;
    internal static int chdir => Arm ? 49 : 80;
    internal static int fchdir => Arm ? 50 : 81;

    internal static int exit_group => Arm ? 94 : 231;

    internal static int chroot => Arm ? 51 : 161;
    internal static int fchmod => Arm ? 52 : 91;
    internal static int fchown => Arm ? 55 : 93;
    internal static int umask => Arm ? 166 : 95;
    internal static int getppid => Arm ? 173 : 110;
    internal static int setuid => Arm ? 146 : 105;
    internal static int setgid => Arm ? 144 : 106;
    internal static int geteuid => Arm ? 175 : 107;
    internal static int getegid => Arm ? 177 : 108;
    internal static int setsid => Arm ? 157 : 112;
    internal static int setgroups => Arm ? 159 : 116;
    internal static int setresuid => Arm ? 147 : 117;
    internal static int setresgid => Arm ? 149 : 119;
    internal static int capget => Arm ? 90 : 125;
    internal static int capset => Arm ? 91 : 126;
    internal static int personality => Arm ? 92 : 135;
    internal static int statfs => Arm ? 43 : 137;
    internal static int fstatfs => Arm ? 44 : 138;
    internal static int sched_setattr => Arm ? 274 : 314;
    internal static int pivot_root => Arm ? 41 : 155;
    internal static int prctl => Arm ? 167 : 157;
    internal static int mount => Arm ? 40 : 165;
    internal static int umount2 => Arm ? 39 : 166;
    internal static int sethostname => Arm ? 161 : 170;
    internal static int setdomainname => Arm ? 162 : 171;
    internal static int gettid => Arm ? 178 : 186;
    internal static int setxattr => Arm ? 5 : 188;
    internal static int lsetxattr => Arm ? 6 : 189;
    internal static int fsetxattr => Arm ? 7 : 190;
    internal static int getxattr => Arm ? 8 : 191;
    internal static int fgetxattr => Arm ? 10 : 193;
    internal static int listxattr => Arm ? 11 : 194;
    internal static int flistxattr => Arm ? 13 : 196;
    internal static int sched_setaffinity => Arm ? 122 : 203;
    internal static int sched_getaffinity => Arm ? 123 : 204;
    internal static int getdents64 => Arm ? 61 : 217;
    internal static int epoll_ctl => Arm ? 21 : 233;
    internal static int waitid => Arm ? 95 : 247;
    internal static int add_key => Arm ? 217 : 248;
    internal static int keyctl => Arm ? 219 : 250;
    internal static int ioprio_set => Arm ? 30 : 251;
    internal static int inotify_add_watch => Arm ? 27 : 254;
    internal static int openat => Arm ? 56 : 257;
    internal static int mkdirat => Arm ? 34 : 258;
    internal static int mknodat => Arm ? 33 : 259;
    internal static int fchownat => Arm ? 54 : 260;
    internal static int newfstatat => Arm ? 79 : 262;
    internal static int unlinkat => Arm ? 35 : 263;
    internal static int linkat => Arm ? 37 : 265;
    internal static int symlinkat => Arm ? 36 : 266;
    internal static int name_to_handle_at => Arm ? 264 : 303;
    internal static int open_by_handle_at => Arm ? 265 : 304;
    internal static int readlinkat => Arm ? 78 : 267;
    internal static int fchmodat => Arm ? 53 : 268;
    internal static int faccessat => Arm ? 48 : 269;
    internal static int ppoll => Arm ? 73 : 271;
    internal static int unshare => Arm ? 97 : 272;
    internal static int utimensat => Arm ? 88 : 280;
    internal static int epoll_pwait => Arm ? 22 : 281;
    internal static int fallocate => Arm ? 47 : 285;
    internal static int signalfd4 => Arm ? 74 : 289;
    internal static int eventfd2 => Arm ? 19 : 290;
    internal static int epoll_create1 => Arm ? 20 : 291;
    internal static int dup3 => Arm ? 24 : 292;
    internal static int pipe2 => Arm ? 59 : 293;
    internal static int inotify_init1 => Arm ? 26 : 294;
    internal static int accept4 => Arm ? 242 : 288;
    internal static int prlimit64 => Arm ? 261 : 302;
    internal static int setns => Arm ? 268 : 308;
    internal static int syncfs => Arm ? 267 : 306;
    internal static int renameat2 => Arm ? 276 : 316;
    internal static int seccomp => Arm ? 277 : 317;
    internal static int getrandom => Arm ? 278 : 318;
    internal static int memfd_create => Arm ? 279 : 319;
    internal static int bpf => Arm ? 280 : 321;
    internal static int copy_file_range => Arm ? 285 : 326;
    internal static int statx => Arm ? 291 : 332;
    internal static int timerfd_create => Arm ? 85 : 283;
    internal static int timerfd_settime => Arm ? 86 : 286;
    internal static int pidfd_send_signal => 424;
    internal static int open_tree => 428;
    internal static int move_mount => 429;
    internal static int fsopen => 430;
    internal static int fsconfig => 431;
    internal static int fsmount => 432;
    internal static int pidfd_open => 434;
    internal static int clone3 => 435;
    internal static int close_range => 436;
    internal static int openat2 => 437;
    internal static int pidfd_getfd => 438;
    internal static int mount_setattr => 442;
    internal static int set_mempolicy => Arm ? 237 : 238;
}
#pragma warning restore SA1300, IDE1006
