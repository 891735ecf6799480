/* The wrappers: ask the guard, do the real call, note it when it succeeded.
 *
 * Arguments are read only after the real call has taken them (or the kernel, for the guard), so a
 * bad pointer fails just as it does without us.
 */
#include "shim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

static int flags_of_mode(const char *mode) {
    int plus = strchr(mode, '+') != NULL, flags = strchr(mode, 'x') != NULL ? O_EXCL : 0;
    if (mode[0] == 'r') {
        return plus ? O_RDWR : O_RDONLY;
    }
    flags |= (plus ? O_RDWR : O_WRONLY) | O_CREAT;
    return flags | (mode[0] == 'a' ? O_APPEND : O_TRUNC);
}

/* ---- wrappers ---- */

#define REAL(result, name, ...) static result (*real_##name)(__VA_ARGS__)

#define TAKE_MODE                                       \
    mode_t mode = 0;                                    \
    if (flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))) { \
        va_list more;                                   \
        va_start(more, flags);                          \
        mode = va_arg(more, mode_t);                    \
        va_end(more);                                   \
    }

#define WRAP_OPEN(name)                                             \
    REAL(int, name, const char *, int, ...);                        \
    static int lh_##name(const char *path, int flags, ...) {        \
        TAKE_MODE                                                   \
        if (guard_open(AT_FDCWD, path, flags)) return -1;           \
        int fd = real_##name(path, flags, mode);                    \
        if (fd >= 0) note_opened(AT_FDCWD, path, flags, fd);             \
        return fd;                                                  \
    }

#define WRAP_OPENAT(name)                                           \
    REAL(int, name, int, const char *, int, ...);                   \
    static int lh_##name(int at, const char *path, int flags, ...) { \
        TAKE_MODE                                                   \
        if (guard_open(at, path, flags)) return -1;                 \
        int fd = real_##name(at, path, flags, mode);                \
        if (fd >= 0) note_opened(at, path, flags, fd);                   \
        return fd;                                                  \
    }

/* What open() becomes under _FORTIFY_SOURCE when no mode is given. */
#define WRAP_OPEN_2(name)                                           \
    REAL(int, name, const char *, int);                             \
    static int lh_##name(const char *path, int flags) {             \
        if (guard_open(AT_FDCWD, path, flags)) return -1;           \
        int fd = real_##name(path, flags);                          \
        if (fd >= 0) note_opened(AT_FDCWD, path, flags, fd);             \
        return fd;                                                  \
    }

#define WRAP_OPENAT_2(name)                                         \
    REAL(int, name, int, const char *, int);                        \
    static int lh_##name(int at, const char *path, int flags) {     \
        if (guard_open(at, path, flags)) return -1;                 \
        int fd = real_##name(at, path, flags);                      \
        if (fd >= 0) note_opened(at, path, flags, fd);                   \
        return fd;                                                  \
    }

#define CREAT_FLAGS (O_CREAT | O_WRONLY | O_TRUNC)
#define WRAP_CREAT(name)                                            \
    REAL(int, name, const char *, mode_t);                          \
    static int lh_##name(const char *path, mode_t mode) {           \
        if (guard_open(AT_FDCWD, path, CREAT_FLAGS)) return -1;     \
        int fd = real_##name(path, mode);                           \
        if (fd >= 0) note_opened(AT_FDCWD, path, CREAT_FLAGS, fd);       \
        return fd;                                                  \
    }

#define WRAP_FOPEN(name)                                            \
    REAL(FILE *, name, const char *, const char *);                 \
    static FILE *lh_##name(const char *path, const char *mode) {    \
        if (guarded() && guard_open(AT_FDCWD, path, flags_of_mode(mode))) return NULL; \
        FILE *file = real_##name(path, mode);                       \
        if (file != NULL) note_opened(AT_FDCWD, path, flags_of_mode(mode), fileno(file)); \
        return file;                                                \
    }

#define WRAP_FREOPEN(name)                                          \
    REAL(FILE *, name, const char *, const char *, FILE *);         \
    static FILE *lh_##name(const char *path, const char *mode, FILE *old) { \
        if (guarded() && guard_open(AT_FDCWD, path, flags_of_mode(mode))) return NULL; \
        FILE *file = real_##name(path, mode, old);                  \
        if (file != NULL && path != NULL)                           \
            note_opened(AT_FDCWD, path, flags_of_mode(mode), fileno(file)); \
        return file;                                                \
    }

/* mkstemp and its kin; `parameters` and `arguments` come after the template. */
#define TEMPORARY_FLAGS (O_RDWR | O_CREAT | O_EXCL)
#define WRAP_MKSTEMP(name, parameters, arguments)                   \
    REAL(int, name, char *parameters);                              \
    static int lh_##name(char *path parameters) {                   \
        if (guard_open(AT_FDCWD, path, TEMPORARY_FLAGS)) return -1; \
        int fd = real_##name(path arguments);                       \
        if (fd >= 0) note_opened(AT_FDCWD, path, TEMPORARY_FLAGS, fd);   \
        return fd;                                                  \
    }
#define AND ,

#define WRAP_TRUNCATE(name)                                         \
    REAL(int, name, const char *, off_t);                           \
    static int lh_##name(const char *path, off_t length) {          \
        if (guard_file("truncate", AT_FDCWD, path)) return -1;      \
        int failed = real_##name(path, length);                     \
        if (!failed) note_truncated(path);                               \
        return failed;                                              \
    }

WRAP_OPEN(open)
WRAP_OPEN(open64)
WRAP_OPENAT(openat)
WRAP_OPENAT(openat64)
WRAP_OPEN_2(__open_2)
WRAP_OPEN_2(__open64_2)
WRAP_OPENAT_2(__openat_2)
WRAP_OPENAT_2(__openat64_2)
WRAP_CREAT(creat)
WRAP_CREAT(creat64)
WRAP_FOPEN(fopen)
WRAP_FOPEN(fopen64)
WRAP_FREOPEN(freopen)
WRAP_FREOPEN(freopen64)
WRAP_MKSTEMP(mkstemp, , )
WRAP_MKSTEMP(mkstemp64, , )
WRAP_MKSTEMP(mkostemp, AND int flags, AND flags)
WRAP_MKSTEMP(mkostemp64, AND int flags, AND flags)
WRAP_MKSTEMP(mkstemps, AND int suffix, AND suffix)
WRAP_MKSTEMP(mkstemps64, AND int suffix, AND suffix)
WRAP_MKSTEMP(mkostemps, AND int suffix AND int flags, AND suffix AND flags)
WRAP_MKSTEMP(mkostemps64, AND int suffix AND int flags, AND suffix AND flags)
WRAP_TRUNCATE(truncate)
WRAP_TRUNCATE(truncate64)

REAL(int, rename, const char *, const char *);
REAL(int, renameat, int, const char *, int, const char *);
REAL(int, renameat2, int, const char *, int, const char *, unsigned);
REAL(int, link, const char *, const char *);
REAL(int, linkat, int, const char *, int, const char *, int);
REAL(int, symlink, const char *, const char *);
REAL(int, symlinkat, const char *, int, const char *);
REAL(int, unlink, const char *);
REAL(int, unlinkat, int, const char *, int);
REAL(int, remove, const char *);
REAL(int, mkdir, const char *, mode_t);
REAL(int, mkdirat, int, const char *, mode_t);
REAL(int, rmdir, const char *);
REAL(char *, mkdtemp, char *);

/* Without its first name the call can't do anything; the real one says so. */
static int missing(int directory, const char *path) {
    struct stat found;
    return path == NULL || raw_stat(directory, path, &found, AT_SYMLINK_NOFOLLOW) != 0;
}

static int guard_rename(struct names names, unsigned flags) {
    if (!guarded() || missing(names.directory, names.path)) {
        return 0;
    }
    int target = WHEN_THERE | (flags & RENAME_EXCHANGE ? 0 : WHEN_ABSENT);
    return guard_name("rename", names.directory, names.path, WHEN_THERE) ||
           guard_name("rename", names.directory2, names.path2, target);
}

static int lh_rename(const char *from, const char *to) {
    struct names names = {AT_FDCWD, from, AT_FDCWD, to};
    if (guard_rename(names, 0)) return -1;
    int failed = real_rename(from, to);
    if (!failed) note_renamed(names, 0);
    return failed;
}

static int lh_renameat(int at, const char *from, int to_at, const char *to) {
    struct names names = {at, from, to_at, to};
    if (guard_rename(names, 0)) return -1;
    int failed = real_renameat(at, from, to_at, to);
    if (!failed) note_renamed(names, 0);
    return failed;
}

static int lh_renameat2(int at, const char *from, int to_at, const char *to, unsigned flags) {
    struct names names = {at, from, to_at, to};
    if (guard_rename(names, flags)) return -1;
    int failed = real_renameat2(at, from, to_at, to, flags);
    if (!failed) note_renamed(names, flags);
    return failed;
}

/* A hard link to something outside would let it be changed through its name inside. */
static int guard_link(struct names names, int follow) {
    if (!guarded() || missing(names.directory, names.path)) {
        return 0;
    }
    return (follow ? guard_file("link", names.directory, names.path)
                   : guard_name("link", names.directory, names.path, WHEN_THERE)) ||
           guard_name("link", names.directory2, names.path2, WHEN_ABSENT);
}

static int lh_link(const char *from, const char *to) {
    struct names names = {AT_FDCWD, from, AT_FDCWD, to};
    if (guard_link(names, 0)) return -1;
    int failed = real_link(from, to);
    if (!failed) note_linked(names);
    return failed;
}

static int lh_linkat(int at, const char *from, int to_at, const char *to, int flags) {
    struct names names = {at, from, to_at, to};
    if (guard_link(names, flags & AT_SYMLINK_FOLLOW)) return -1;
    int failed = real_linkat(at, from, to_at, to, flags);
    if (!failed) note_linked(names);
    return failed;
}

static int lh_symlink(const char *text, const char *path) {
    if (guard_name("symlink", AT_FDCWD, path, WHEN_ABSENT)) return -1;
    int failed = real_symlink(text, path);
    if (!failed) note_symlinked(text, AT_FDCWD, path);
    return failed;
}

static int lh_symlinkat(const char *text, int at, const char *path) {
    if (guard_name("symlink", at, path, WHEN_ABSENT)) return -1;
    int failed = real_symlinkat(text, at, path);
    if (!failed) note_symlinked(text, at, path);
    return failed;
}

static int lh_unlink(const char *path) {
    if (guard_name("remove", AT_FDCWD, path, WHEN_THERE)) return -1;
    int failed = real_unlink(path);
    if (!failed) note_removed(AT_FDCWD, path, 0);
    return failed;
}

static int lh_unlinkat(int at, const char *path, int flags) {
    if (guard_name("remove", at, path, WHEN_THERE)) return -1;
    int failed = real_unlinkat(at, path, flags);
    if (!failed) note_removed(at, path, (flags & AT_REMOVEDIR) != 0);
    return failed;
}

static int lh_remove(const char *path) {
    struct stat found;
    if (guard_name("remove", AT_FDCWD, path, WHEN_THERE)) return -1;
    int folder = noting() && raw_stat(AT_FDCWD, path, &found, AT_SYMLINK_NOFOLLOW) == 0 &&
                 S_ISDIR(found.st_mode);
    int failed = real_remove(path);
    if (!failed) note_removed(AT_FDCWD, path, folder);
    return failed;
}

static int lh_rmdir(const char *path) {
    if (guard_name("remove", AT_FDCWD, path, WHEN_THERE)) return -1;
    int failed = real_rmdir(path);
    if (!failed) note_removed(AT_FDCWD, path, 1);
    return failed;
}

static int lh_mkdir(const char *path, mode_t mode) {
    if (guard_name("mkdir", AT_FDCWD, path, WHEN_ABSENT)) return -1;
    int failed = real_mkdir(path, mode);
    if (!failed) note_made_folder(AT_FDCWD, path);
    return failed;
}

static int lh_mkdirat(int at, const char *path, mode_t mode) {
    if (guard_name("mkdir", at, path, WHEN_ABSENT)) return -1;
    int failed = real_mkdirat(at, path, mode);
    if (!failed) note_made_folder(at, path);
    return failed;
}

static char *lh_mkdtemp(char *path) {
    if (guard_name("mkdir", AT_FDCWD, path, WHEN_ABSENT)) return NULL;
    char *made = real_mkdtemp(path);
    if (made != NULL) note_made_folder(AT_FDCWD, made);
    return made;
}

/* The way out of a forked worker, which no cell's end comes to. */
REAL(void, _exit, int);
static void lh__exit(int status) {
    if (noting()) repeats_end();
    real__exit(status);
}

/* ---- what changes a file or makes one without being recorded: for the guard only ---- */

#define GUARD_FILE(name, parameters, at, path, arguments)           \
    REAL(int, name, parameters);                                    \
    static int lh_##name(parameters) {                              \
        return guard_file(#name, at, path) ? -1 : real_##name(arguments); \
    }
#define GUARD_NEW(name, parameters, at, path, arguments)            \
    REAL(int, name, parameters);                                    \
    static int lh_##name(parameters) {                              \
        return guard_name(#name, at, path, WHEN_ABSENT) ? -1 : real_##name(arguments); \
    }

GUARD_FILE(chmod, const char *path AND mode_t mode, AT_FDCWD, path, path AND mode)
GUARD_FILE(fchmodat, int at AND const char *path AND mode_t mode AND int flags, at, path,
           at AND path AND mode AND flags)
GUARD_FILE(chown, const char *path AND uid_t user AND gid_t group, AT_FDCWD, path,
           path AND user AND group)
GUARD_FILE(utimensat, int at AND const char *path AND const struct timespec *times AND int flags,
           at, path, at AND path AND times AND flags)
GUARD_FILE(utimes, const char *path AND const struct timeval *times, AT_FDCWD, path,
           path AND times)
GUARD_NEW(mknod, const char *path AND mode_t mode AND dev_t device, AT_FDCWD, path,
          path AND mode AND device)
GUARD_NEW(mknodat, int at AND const char *path AND mode_t mode AND dev_t device, at, path,
          at AND path AND mode AND device)
GUARD_NEW(mkfifo, const char *path AND mode_t mode, AT_FDCWD, path, path AND mode)

/* ---- syscall(), entered by lh_syscall only for the numbers in lh_interesting ---- */

#ifdef SYS_open
#define OLD_CALLS(X) \
    X(open) X(creat) X(rename) X(link) X(symlink) X(unlink) X(rmdir) X(mkdir)
#else
#define OLD_CALLS(X)
#endif
#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#define NEW_CALLS(X) \
    X(openat) X(openat2) X(linkat) X(symlinkat) X(unlinkat) X(mkdirat) X(renameat2) X(truncate)
#ifdef SYS_renameat
#define RENAMEAT(X) X(renameat)
#else
#define RENAMEAT(X)
#endif
#define MARK(name) [SYS_##name] = 1,
const unsigned char lh_interesting[512] = {
    OLD_CALLS(MARK) NEW_CALLS(MARK) RENAMEAT(MARK)};

struct how {
    uint64_t flags, mode, resolve;
};

static long syscall_openat2(long at, long path, long how, long size) {
    struct how wanted = {0, 0, 0};
    long self[2][2] = {{(long)&wanted, sizeof wanted}, {how, sizeof wanted}};
    if (guarded() && raw6(SYS_process_vm_readv, raw(SYS_getpid, 0, 0, 0, 0), (long)self[0], 1,
                          (long)self[1], 1, 0) == (long)sizeof wanted &&
        guard_open((int)at, (const char *)path, (int)wanted.flags)) {
        return -1;
    }
    long fd = lh_real_syscall(SYS_openat2, at, path, how, size);
    if (fd >= 0) {
        note_opened((int)at, (const char *)path, (int)((struct how *)how)->flags, (int)fd);
    }
    return fd;
}

#define TEXT(argument) ((const char *)(argument))

long lh_syscall_seen(long n, long a, long b, long c, long d, long e, long f) {
    switch (n) {
#ifdef SYS_open
    case SYS_open: return lh_open(TEXT(a), (int)b, (mode_t)c);
    case SYS_creat: return lh_creat(TEXT(a), (mode_t)b);
    case SYS_rename: return lh_rename(TEXT(a), TEXT(b));
    case SYS_link: return lh_link(TEXT(a), TEXT(b));
    case SYS_symlink: return lh_symlink(TEXT(a), TEXT(b));
    case SYS_unlink: return lh_unlink(TEXT(a));
    case SYS_rmdir: return lh_rmdir(TEXT(a));
    case SYS_mkdir: return lh_mkdir(TEXT(a), (mode_t)b);
#endif
#ifdef SYS_renameat
    case SYS_renameat: return lh_renameat((int)a, TEXT(b), (int)c, TEXT(d));
#endif
    case SYS_openat: return lh_openat((int)a, TEXT(b), (int)c, (mode_t)d);
    case SYS_openat2: return syscall_openat2(a, b, c, d);
    case SYS_linkat: return lh_linkat((int)a, TEXT(b), (int)c, TEXT(d), (int)e);
    case SYS_symlinkat: return lh_symlinkat(TEXT(a), (int)b, TEXT(c));
    case SYS_unlinkat: return lh_unlinkat((int)a, TEXT(b), (int)c);
    case SYS_mkdirat: return lh_mkdirat((int)a, TEXT(b), (mode_t)c);
    case SYS_truncate: return lh_truncate(TEXT(a), (off_t)b);
    case SYS_renameat2:
        if (real_renameat2 != NULL) {
            return lh_renameat2((int)a, TEXT(b), (int)c, TEXT(d), (unsigned)e);
        }
        break;
    default: break;
    }
    return lh_real_syscall(n, a, b, c, d, e, f);
}

#define HOOK(function) {#function, (void *)lh_##function, (void **)&real_##function, NULL},
struct hook lh_hooks[] = {
    HOOK(open) HOOK(open64) HOOK(openat) HOOK(openat64)
    HOOK(__open_2) HOOK(__open64_2) HOOK(__openat_2) HOOK(__openat64_2)
    HOOK(creat) HOOK(creat64) HOOK(fopen) HOOK(fopen64) HOOK(freopen) HOOK(freopen64)
    HOOK(mkstemp) HOOK(mkstemp64) HOOK(mkostemp) HOOK(mkostemp64)
    HOOK(mkstemps) HOOK(mkstemps64) HOOK(mkostemps) HOOK(mkostemps64) HOOK(mkdtemp)
    HOOK(rename) HOOK(renameat) HOOK(renameat2) HOOK(link) HOOK(linkat)
    HOOK(symlink) HOOK(symlinkat) HOOK(unlink) HOOK(unlinkat) HOOK(remove) HOOK(rmdir)
    HOOK(truncate) HOOK(truncate64) HOOK(mkdir) HOOK(mkdirat)
    HOOK(chmod) HOOK(fchmodat) HOOK(chown) HOOK(utimensat) HOOK(utimes)
    HOOK(mknod) HOOK(mknodat) HOOK(mkfifo) HOOK(_exit)
    {"syscall", (void *)lh_syscall, (void **)&lh_real_syscall, NULL},
    {"dlsym", (void *)lh_dlsym, (void **)&lh_real_dlsym, NULL},
};
const size_t lh_hook_count = sizeof lh_hooks / sizeof *lh_hooks;
