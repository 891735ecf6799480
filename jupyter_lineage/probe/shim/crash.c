/* The marker that a crash leaves behind: the loader then leaves the helper out next time.
 *
 * A handler of ours notes the crash and gets out of the way: it puts back what was there before
 * and lets the signal come again, so the process dies, or its own handler runs, just as without
 * us. Nothing is written unless such a signal comes, so kill -9 is no crash.
 */
#include "shim.h"

#include <dlfcn.h>
#include <signal.h>

static char marker[4096];
static struct sigaction before[NSIG];

static void write_marker(int number) {
    char buffer[64];
    struct timespec now;
    struct text out = {buffer, buffer + sizeof buffer};
    clock_gettime(CLOCK_REALTIME, &now);
    put(&out, "signal ");
    put_number(&out, number);
    put(&out, " at ");
    put_number(&out, now.tv_sec);
    put(&out, "\n");
    long fd = raw_openat(AT_FDCWD, marker, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
                         0600);
    if (fd >= 0) {
        raw(SYS_write, fd, (long)buffer, out.at - buffer, 0);
        raw_close(fd);
    }
}

static void crashed(int number, siginfo_t *info, void *context) {
    (void)context;
    int kept = errno;
    if (in_own_process() && !lh_process.forked) {
        write_marker(number);
    }
    sigaction(number, &before[number], NULL);
    if (info->si_code <= 0) { /* sent, not raised by an instruction that will be run again */
        raw(SYS_tgkill, raw(SYS_getpid, 0, 0, 0, 0), raw(SYS_gettid, 0, 0, 0, 0), number, 0);
    }
    errno = kept;
}

/* Whether the handler belongs to the Python that runs here: its faulthandler. */
static int is_pythons(const struct sigaction *action, const void *in_python) {
    Dl_info one, other;
    return dladdr((const void *)(uintptr_t)action->sa_handler, &one) && dladdr(in_python, &other) &&
           one.dli_fbase == other.dli_fbase;
}

/* Returns 0 when a crash by this signal will be noted. `in_python` is a function of Python's if
 * its faulthandler is on, else NULL. */
EXPORT int lh_crash_guard(const char *path, int number, const void *in_python) {
    struct sigaction action = {.sa_flags = SA_SIGINFO | SA_ONSTACK};
    if (number <= 0 || number >= NSIG || strlen(path) >= sizeof marker) {
        return EINVAL;
    }
    strcpy(marker, path);
    action.sa_sigaction = crashed;
    sigemptyset(&action.sa_mask);
    if (sigaction(number, NULL, &before[number]) != 0) {
        return errno;
    }
    if (before[number].sa_handler != SIG_DFL &&
        (before[number].sa_handler == SIG_IGN || in_python == NULL ||
         !is_pythons(&before[number], in_python))) {
        return EBUSY;
    }
    return sigaction(number, &action, NULL) == 0 ? 0 : errno;
}
