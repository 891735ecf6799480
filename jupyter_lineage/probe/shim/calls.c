/* The wrappers of what changes names, and of what changes a file without a record of ours.
 *
 * As in opens.c: ask the guard, do the real call, note it when it succeeded. The system calls that
 * a program makes by number end here too.
 */
#include "shim.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

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
/* What mknod becomes in a program that was built with an older C library. */
GUARD_NEW(__xmknod, int version AND const char *path AND mode_t mode AND dev_t *device, AT_FDCWD,
          path, version AND path AND mode AND device)
GUARD_NEW(__xmknodat, int version AND int at AND const char *path AND mode_t mode AND dev_t *device,
          at, path, version AND at AND path AND mode AND device)
GUARD_NEW(mkfifo, const char *path AND mode_t mode, AT_FDCWD, path, path AND mode)
GUARD_NEW(mkfifoat, int at AND const char *path AND mode_t mode, at, path, at AND path AND mode)

/* A socket with a name makes a file of that name. */
REAL(int, bind, int, const struct sockaddr *, socklen_t);
static int lh_bind(int fd, const struct sockaddr *address, socklen_t length) {
    const size_t start = offsetof(struct sockaddr_un, sun_path);
    char path[sizeof(struct sockaddr_un)];
    if (guarded() && address != NULL && length > start && length <= sizeof path &&
        address->sa_family == AF_UNIX) {
        memcpy(path, (const char *)address + start, length - start);
        path[length - start] = '\0';
        if (path[0] != '\0' && guard_name("bind", AT_FDCWD, path, WHEN_ABSENT)) return -1;
    }
    return real_bind(fd, address, length);
}

/* ---- syscall(), entered by lh_syscall only for the numbers in lh_interesting ---- */

#ifdef SYS_open
#define OLD_CALLS(X) \
    X(open) X(creat) X(rename) X(link) X(symlink) X(unlink) X(rmdir) X(mkdir) X(mknod)
#else
#define OLD_CALLS(X)
#endif
#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#define NEW_CALLS(X) \
    X(openat) X(openat2) X(linkat) X(symlinkat) X(unlinkat) X(mkdirat) X(mknodat) X(renameat2) \
    X(truncate)
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
    case SYS_mknod:
        if (guard_name("mknod", AT_FDCWD, TEXT(a), WHEN_ABSENT)) return -1;
        break;
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
    case SYS_mknodat:
        if (guard_name("mknodat", (int)a, TEXT(b), WHEN_ABSENT)) return -1;
        break;
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

static struct hook hooks[] = {
    HOOK(rename) HOOK(renameat) HOOK(renameat2) HOOK(link) HOOK(linkat)
    HOOK(symlink) HOOK(symlinkat) HOOK(unlink) HOOK(unlinkat) HOOK(remove) HOOK(rmdir)
    HOOK(mkdir) HOOK(mkdirat) HOOK(mkdtemp)
    HOOK(chmod) HOOK(fchmodat) HOOK(chown) HOOK(utimensat) HOOK(utimes)
    HOOK(mknod) HOOK(mknodat) HOOK(__xmknod) HOOK(__xmknodat) HOOK(mkfifo) HOOK(mkfifoat)
    HOOK(bind) HOOK(_exit)
    {"syscall", (void *)lh_syscall, (void **)&lh_real_syscall, NULL},
    {"dlsym", (void *)lh_dlsym, (void **)&lh_real_dlsym, NULL},
};
const struct hooks lh_calls = {hooks, sizeof hooks / sizeof *hooks};
