/* What the parts of the file shim share. No Python headers: the helper carries no Python ABI.
 *
 *   shim.c     process state, fork handling, the audit hook, what Python calls
 *   patch.c    all loaded libraries: which are new, which are left alone
 *   slots.c    one library: rewriting its import slots (GOT)
 *   opens.c    the wrappers of open, fopen, mkstemp, truncate, ...
 *   calls.c    the wrappers of rename, unlink, mkdir, chmod, ..., and calls by number
 *   entries.c  the wrappers that begin in assembly: syscall, dlsym
 *   notes.c    from a call to its record
 *   paths.c    absolute paths, prefixes
 *   repeats.c  counting repeated opens
 *   records.c  what a record says
 *   spool.c    the file that records go to
 *   text.c     text without malloc, random ids
 *   guard.c    refusing writes outside given folders
 *   crash.c    the marker that a crash leaves behind
 *
 * Rules for everything that a wrapper may reach: errno is left as the real call left it, no lock,
 * no malloc, no Python, no libc function that could come back to a wrapper; system calls go
 * through raw(), which does not touch errno. Nothing may change in a child that shares memory with
 * its parent (vfork): ask in_own_process() first.
 */
#ifndef LINEAGE_SHIM_H
#define LINEAGE_SHIM_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#if !defined(__linux__) || !(defined(__x86_64__) || defined(__aarch64__)) || !defined(__LP64__)
#error "the file shim is for 64-bit Linux on x86-64 and aarch64"
#endif

#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE 2 /* older headers lack it */
#endif
#define EXPORT __attribute__((visibility("default")))
#define PATH_ROOM 8448 /* working directory + "/" + path, each below PATH_MAX, and some */
#define OUT_ROOM (6 * PATH_ROOM + 2048) /* two paths, each byte as %XX, and the fields */

/* ---- system calls without errno ---- */

static inline long raw6(long n, long a, long b, long c, long d, long e, long f) {
#ifdef __x86_64__
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
#else
    register long x8 __asm__("x8") = n;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("svc 0"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                     : "memory", "cc");
    return x0;
#endif
}

static inline long raw(long n, long a, long b, long c, long d) {
    return raw6(n, a, b, c, d, 0, 0);
}

static inline long raw_openat(int directory, const char *path, int flags, int mode) {
    return raw(SYS_openat, directory, (long)path, flags, mode);
}

static inline int raw_fstat(int fd, struct stat *found) {
    return (int)raw(SYS_fstat, fd, (long)found, 0, 0);
}

static inline int raw_stat(int directory, const char *path, struct stat *found, int flags) {
    return (int)raw(SYS_newfstatat, directory, (long)path, (long)found, flags);
}

static inline void raw_close(long fd) {
    raw(SYS_close, fd, 0, 0, 0);
}

/* ---- text.c ---- */

struct text {
    char *at;
    char *end;
};

void put(struct text *out, const char *text);
void put_number(struct text *out, int64_t number);
void put_path(struct text *out, const char *path, size_t length); /* percent-encoded */
char *put_uuid7(char *at);     /* 36 characters and a NUL; returns at */
char *put_spool_id(char *at);  /* 32 random hexadecimal characters and a NUL; returns at */

/* ---- shim.c ---- */

struct process {
    pid_t pid; /* as the system call says it: differs in a child that shares our memory */
    int forked;
    char id[37];
    char parent[37];
    char run[37];
    char alive[128];
};

extern struct process lh_process;
extern __thread int64_t lh_c __attribute__((tls_model("initial-exec")));
extern _Atomic int64_t lh_active; /* Python's word: the only active execution, else 0 */
extern _Atomic int lh_recording;  /* 0 until installed, and while recording is off */

static inline int in_own_process(void) {
    return (pid_t)raw(SYS_getpid, 0, 0, 0, 0) == lh_process.pid;
}

/* ---- paths.c ---- */

struct prefixes {
    size_t count;
    struct {
        const char *text;
        size_t length;
    } item[];
};

/* Room for the paths of one record. A fixed number of them exists, so that wrappers need neither
 * malloc nor a big stack; scratch_take() returns NULL when all are in use. */
struct scratch {
    _Atomic int taken;
    char given[2][PATH_ROOM]; /* made absolute, as the program wrote it otherwise */
    char lexical[2][PATH_ROOM];
    char out[OUT_ROOM];
};

struct scratch *scratch_take(void);
void scratch_give(struct scratch *room);
void scratch_forget_all(void); /* in a forked child: whoever held one is not here */

struct path {
    const char *text; /* absolute, "." and "//" taken out, ".." where that changes nothing */
    size_t length;
    int absolute; /* the program gave an absolute path */
    int ignored;
};

extern _Atomic(struct prefixes *) ignored_prefixes;

/* Describes `given` (seen from `directory`) in the room's place `which` (0 or 1); 0: can't. */
int path_of(struct path *out, struct scratch *room, int which, int directory, const char *given);
int under_any(const struct prefixes *list, const char *path, size_t length);
struct prefixes *prefixes_from(const char *packed, size_t size); /* malloc; not for wrappers */

/* ---- repeats.c ---- */

struct opened {
    int64_t c;
    int native;
    const struct path *path;
    int flags;
    const struct stat *found;
};

int repeats_count(const struct opened *what); /* 1: counted as a repeat, write no record */
void repeats_end(void);                       /* write the counts, forget everything */
void repeats_forget(void);                    /* in a forked child */

/* ---- spool.c ---- */

struct spool;

int spool_begin(const char *folder); /* 0 or an errno; writes the header */
void spool_forked(void);             /* the next record begins a new spool */

/* Returns a descriptor that is surely the spool's, to be held until spool_give(); or -errno. */
int spool_take(struct spool **into);
void spool_give(struct spool *spool);
int64_t spool_next(struct spool *spool); /* the number of its next record */
int spool_write(int fd, const char *text, size_t length); /* 0 or an errno */

/* ---- records.c ---- */

struct fact {
    const char *op;
    const struct path *path;
    const struct path *path2;
    int flags; /* -1: none */
    const struct stat *found;
    int directory;
    uint64_t count;
    int64_t c;
    int native;
};

void put_start(struct text *out, int64_t number, const char *type); /* a record's first keys */
void put_text(struct text *out, const char *key, const char *value);

void spool_file(struct scratch *room, const struct fact *fact);
void spool_refused(struct scratch *room, const char *op, const char *path, size_t length);
void spool_child(struct scratch *room, int64_t c, const char *program); /* may be NULL */
void spool_lost(int error); /* a record could not be written */
int64_t spool_lost_total(void);
void records_forked(void); /* in a forked child */

/* ---- guard.c ---- */

extern _Atomic(struct prefixes *) guard_prefixes;

/* Each returns 0 to go on, or -1 with errno set to EACCES after writing a `refused` record. */
int guard_open(int directory, const char *path, int flags);
int guard_file(const char *op, int directory, const char *path); /* what it leads to, if there */

enum { WHEN_THERE = 1, WHEN_ABSENT = 2 }; /* else the call can't change anything */
int guard_name(const char *op, int directory, const char *path, int when); /* no link followed */

static inline int guarded(void) {
    return atomic_load_explicit(&guard_prefixes, memory_order_relaxed) != NULL;
}

/* ---- notes.c ---- */

struct names {
    int directory;
    const char *path;
    int directory2;
    const char *path2; /* NULL: there is one name only */
};

int noting(void); /* records are wanted, and this is no child that shares our memory */
void note_opened(int directory, const char *path, int flags, int fd);
void note_made_folder(int directory, const char *path);
void note_removed(int directory, const char *path, int folder);
void note_truncated(const char *path);
void note_renamed(struct names names, unsigned flags);
void note_linked(struct names names);
void note_symlinked(const char *text, int directory, const char *path);

#define CHILD_KINDS 5
void note_child(int kind, const char *program); /* started in one of so many ways; NULL: unnamed */

/* ---- opens.c, calls.c and entries.c ---- */

struct hook {
    const char *name;
    void *wrapper;
    void **real;  /* what the wrapper calls; NULL where this libc has no such function */
    void *native; /* libc's own, which an interposer may hide */
};

struct hooks {
    struct hook *at;
    size_t count;
};

extern const struct hooks lh_opens, lh_calls;

/* For opens.c and calls.c: the real function of a wrapper, and the wrapper in a list of hooks. */
#define REAL(result, name, ...) static result (*real_##name)(__VA_ARGS__)
#define HOOK(function) {#function, (void *)lh_##function, (void **)&real_##function, NULL},
#define AND ,

/* Called by number too. */
int lh_open(const char *path, int flags, ...);
int lh_openat(int at, const char *path, int flags, ...);
int lh_creat(const char *path, mode_t mode);
int lh_truncate(const char *path, off_t length);

struct hook *hook_named(const char *name); /* NULL: none, or this libc has no such function */

/* Hidden, so that the assembly may name them. */
#define HIDDEN __attribute__((visibility("hidden")))
extern HIDDEN long (*lh_real_syscall)(long, ...);
extern HIDDEN void *(*lh_real_dlsym)(void *, const char *);
extern HIDDEN const unsigned char lh_interesting[512]; /* system calls worth a look */
HIDDEN void lh_syscall(void);
HIDDEN void lh_dlsym(void);
HIDDEN long lh_syscall_seen(long n, long a, long b, long c, long d, long e, long f);
HIDDEN void *lh_dlsym_default(const char *name);
HIDDEN void *lh_dlsym_handle(void *handle, const char *name);

/* ---- patch.c ---- */

int patch_begin(void); /* finds the real functions and patches what is loaded; 0 or an errno */
int patch_rescan(void);                /* slots rewritten */
void patch_loaded(const void *handle); /* somebody looks something up in this library */
void patch_before_fork(void);
void patch_after_fork(void);

#endif
