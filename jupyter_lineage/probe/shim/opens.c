/* The wrappers of what opens, makes or cuts a file: open and its kin, fopen, mkstemp, truncate.
 *
 * Each asks the guard, does the real call and notes it when it succeeded. Arguments are read only
 * after the real call has taken them (or the kernel, for the guard), so a bad pointer fails just
 * as it does without us.
 */
#include "shim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static int flags_of_mode(const char *mode) {
    int plus = strchr(mode, '+') != NULL, flags = strchr(mode, 'x') != NULL ? O_EXCL : 0;
    if (mode[0] == 'r') {
        return plus ? O_RDWR : O_RDONLY;
    }
    flags |= (plus ? O_RDWR : O_WRONLY) | O_CREAT;
    return flags | (mode[0] == 'a' ? O_APPEND : O_TRUNC);
}

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
    int lh_##name(const char *path, int flags, ...) {        \
        TAKE_MODE                                                   \
        if (guard_open(AT_FDCWD, path, flags)) return -1;           \
        int fd = real_##name(path, flags, mode);                    \
        if (fd >= 0) note_opened(AT_FDCWD, path, flags, fd);             \
        return fd;                                                  \
    }

#define WRAP_OPENAT(name)                                           \
    REAL(int, name, int, const char *, int, ...);                   \
    int lh_##name(int at, const char *path, int flags, ...) { \
        TAKE_MODE                                                   \
        if (guard_open(at, path, flags)) return -1;                 \
        int fd = real_##name(at, path, flags, mode);                \
        if (fd >= 0) note_opened(at, path, flags, fd);                   \
        return fd;                                                  \
    }

/* What open() becomes under _FORTIFY_SOURCE when no mode is given. */
#define WRAP_OPEN_2(name)                                           \
    REAL(int, name, const char *, int);                             \
    int lh_##name(const char *path, int flags) {             \
        if (guard_open(AT_FDCWD, path, flags)) return -1;           \
        int fd = real_##name(path, flags);                          \
        if (fd >= 0) note_opened(AT_FDCWD, path, flags, fd);             \
        return fd;                                                  \
    }

#define WRAP_OPENAT_2(name)                                         \
    REAL(int, name, int, const char *, int);                        \
    int lh_##name(int at, const char *path, int flags) {     \
        if (guard_open(at, path, flags)) return -1;                 \
        int fd = real_##name(at, path, flags);                      \
        if (fd >= 0) note_opened(at, path, flags, fd);                   \
        return fd;                                                  \
    }

#define CREAT_FLAGS (O_CREAT | O_WRONLY | O_TRUNC)
#define WRAP_CREAT(name)                                            \
    REAL(int, name, const char *, mode_t);                          \
    int lh_##name(const char *path, mode_t mode) {           \
        if (guard_open(AT_FDCWD, path, CREAT_FLAGS)) return -1;     \
        int fd = real_##name(path, mode);                           \
        if (fd >= 0) note_opened(AT_FDCWD, path, CREAT_FLAGS, fd);       \
        return fd;                                                  \
    }

#define WRAP_FOPEN(name)                                            \
    REAL(FILE *, name, const char *, const char *);                 \
    FILE *lh_##name(const char *path, const char *mode) {    \
        if (guarded() && guard_open(AT_FDCWD, path, flags_of_mode(mode))) return NULL; \
        FILE *file = real_##name(path, mode);                       \
        if (file != NULL) note_opened(AT_FDCWD, path, flags_of_mode(mode), fileno(file)); \
        return file;                                                \
    }

#define WRAP_FREOPEN(name)                                          \
    REAL(FILE *, name, const char *, const char *, FILE *);         \
    FILE *lh_##name(const char *path, const char *mode, FILE *old) { \
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
    int lh_##name(char *path parameters) {                   \
        if (guard_open(AT_FDCWD, path, TEMPORARY_FLAGS)) return -1; \
        int fd = real_##name(path arguments);                       \
        if (fd >= 0) note_opened(AT_FDCWD, path, TEMPORARY_FLAGS, fd);   \
        return fd;                                                  \
    }

#define WRAP_TRUNCATE(name)                                         \
    REAL(int, name, const char *, off_t);                           \
    int lh_##name(const char *path, off_t length) {          \
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

static struct hook hooks[] = {
    HOOK(open) HOOK(open64) HOOK(openat) HOOK(openat64)
    HOOK(__open_2) HOOK(__open64_2) HOOK(__openat_2) HOOK(__openat64_2)
    HOOK(creat) HOOK(creat64) HOOK(fopen) HOOK(fopen64) HOOK(freopen) HOOK(freopen64)
    HOOK(mkstemp) HOOK(mkstemp64) HOOK(mkostemp) HOOK(mkostemp64)
    HOOK(mkstemps) HOOK(mkstemps64) HOOK(mkostemps) HOOK(mkostemps64)
    HOOK(truncate) HOOK(truncate64)
};
const struct hooks lh_opens = {hooks, sizeof hooks / sizeof *hooks};
