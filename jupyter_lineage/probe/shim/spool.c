/* The file that records go to: one JSON line, one write(2), never into a foreign descriptor.
 *
 * The format is docs/reference/spool.md. A spool is named by a random id, made at the beginning
 * and again before a forked child's first record. Its descriptor is compared with what we opened
 * before every write: a program may close descriptors that it does not know and open its own
 * files under their numbers.
 */
#include "shim.h"

#define SPOOL_ROOM 8
#define CLAIMED (-(1 << 20)) /* added to the users of a place that is being filled */
#define LOWEST_FD 501
#define FOLDER_ROOM 4096
#define HEADER_ROOM 1024

struct spool {
    _Atomic int users; /* threads that may write to `fd` just now */
    _Atomic int fd;
    dev_t device;
    ino_t inode;
    _Atomic int64_t sequence;
    char path[FOLDER_ROOM + 48];
};

static char folder[FOLDER_ROOM];
static struct spool pool[SPOOL_ROOM]; /* the current spool, and those whose files were removed */
static _Atomic(struct spool *) current; /* NULL: the next record begins one */
static int inherited_fd = -1;           /* a forked child's copy of its parent's descriptor */
static dev_t inherited_device;
static ino_t inherited_inode;

/* ---- the file ---- */

/* A descriptor out of the way of programs that count on low numbers or close them in bulk. */
static int moved_up(long fd) {
    static const int lowest[] = {LOWEST_FD, 200, 50};
    for (size_t i = 0; fd >= 0 && fd < LOWEST_FD && i < sizeof lowest / sizeof *lowest; i++) {
        long high = raw(SYS_fcntl, fd, F_DUPFD_CLOEXEC, lowest[i], 0);
        if (high >= 0) {
            raw_close(fd);
            return (int)high;
        }
    }
    return (int)fd;
}

static int open_spool(struct spool *spool, int flags) {
    struct stat found;
    int fd = moved_up(raw_openat(AT_FDCWD, spool->path,
                                 O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW | flags, 0600));
    if (fd < 0) {
        return fd;
    }
    if (raw_fstat(fd, &found) != 0) {
        raw_close(fd);
        return -EBADF;
    }
    if (flags & O_CREAT) {
        spool->device = found.st_dev;
        spool->inode = found.st_ino;
    } else if (found.st_dev != spool->device || found.st_ino != spool->inode) {
        raw_close(fd);
        return -ENOENT; /* another file has that name now */
    }
    return fd;
}

/* 1: ours; 0: a foreign or closed descriptor; -1: ours, but removed from its folder. */
static int still_ours(int fd, dev_t device, ino_t inode) {
    struct stat found;
    if (raw_fstat(fd, &found) != 0 || found.st_dev != device || found.st_ino != inode) {
        return 0;
    }
    return found.st_nlink > 0 ? 1 : -1;
}

int spool_write(int fd, const char *text, size_t length) {
    long done;
    int tries = 0;
    do {
        done = raw(SYS_write, fd, (long)text, (long)length, 0);
    } while (done == -EINTR && ++tries < 16);
    if (done == (long)length) {
        return 0;
    }
    return done < 0 ? (int)-done : ENOSPC; /* torn; the next record begins with a line break */
}

static int write_header(struct spool *spool, const char *id) {
    char buffer[HEADER_ROOM];
    struct text out = {buffer, buffer + sizeof buffer};
    put_start(&out, 1, "process");
    put_text(&out, "spool", id);
    put_text(&out, "writer", "shim");
    put_text(&out, "process", lh_process.id);
    put_text(&out, "parent_process", lh_process.parent);
    put(&out, lh_process.forked ? ",\"forked\":true" : ",\"forked\":false");
    put_text(&out, "run", lh_process.run);
    put_text(&out, "alive", lh_process.alive);
    put(&out, ",\"pid\":");
    put_number(&out, lh_process.pid);
    put(&out, "}\n");
    atomic_store(&spool->sequence, 2);
    return spool_write(atomic_load(&spool->fd), buffer, (size_t)(out.at - buffer));
}

int64_t spool_next(struct spool *spool) {
    return atomic_fetch_add(&spool->sequence, 1);
}

void spool_give(struct spool *spool) {
    atomic_fetch_sub(&spool->users, 1);
}

/* The current spool, held until spool_give(); NULL: there is none. */
static struct spool *take_current(void) {
    for (;;) {
        struct spool *spool = atomic_load(&current);
        if (spool == NULL) {
            return NULL;
        }
        atomic_fetch_add(&spool->users, 1);
        if (atomic_load(&current) == spool) {
            return spool;
        }
        spool_give(spool); /* it is another one by now, and this place may be on its way to be filled */
    }
}

/* A place for a new spool, to be given back by release(); NULL: all are in use. A thread that
 * took a place as the current one either comes before us, and is counted, or finds after us that
 * it is not the current one any more. */
static struct spool *claim(void) {
    for (size_t i = 0; i < SPOOL_ROOM; i++) {
        struct spool *spool = &pool[i];
        int nobody = 0;
        if (atomic_compare_exchange_strong(&spool->users, &nobody, CLAIMED)) {
            if (atomic_load(&current) != spool && atomic_load(&spool->users) == CLAIMED) {
                return spool;
            }
            atomic_fetch_sub(&spool->users, CLAIMED);
        }
    }
    return NULL;
}

static void release(struct spool *spool) {
    atomic_fetch_sub(&spool->users, CLAIMED);
}

/* Closes what the place had open for a file that was removed. */
static void close_old(struct spool *spool) {
    int fd = atomic_load(&spool->fd);
    if (spool->inode != 0 && still_ours(fd, spool->device, spool->inode) != 0) {
        raw_close(fd);
    }
    spool->inode = 0;
}

/* Fills a claimed place with a new spool file; returns 0 or an errno. */
static int fill(struct spool *spool) {
    char id[33];
    struct text path = {spool->path, spool->path + sizeof spool->path};
    close_old(spool);
    put(&path, folder);
    put(&path, "/");
    put(&path, put_spool_id(id));
    put(&path, ".spool");
    int fd = open_spool(spool, O_CREAT | O_EXCL);
    if (fd < 0) {
        return -fd;
    }
    atomic_store(&spool->fd, fd);
    return write_header(spool, id);
}

/* Begins a new spool file and makes it the current one. Several threads may try at once: one
 * wins, the others take their files away again. */
static int begin_spool(void) {
    struct spool *spool = claim(), *nobody = NULL;
    if (spool == NULL) {
        return EMFILE;
    }
    int error = fill(spool);
    if (error || !atomic_compare_exchange_strong(&current, &nobody, spool)) {
        if (spool->inode != 0) {
            raw(SYS_unlinkat, AT_FDCWD, (long)spool->path, 0, 0);
        }
        close_old(spool);
    }
    release(spool);
    return error;
}

static void close_inherited(void) {
    int fd = inherited_fd;
    inherited_fd = -1;
    if (fd >= 0 && still_ours(fd, inherited_device, inherited_inode) == 1) {
        raw_close(fd);
    }
}

/* Returns a descriptor of the held spool that is surely ours, or minus an errno; ENOENT: its file
 * was removed, and it is not the current one any more. */
static int usable(struct spool *spool) {
    int fd = atomic_load(&spool->fd);
    int state = still_ours(fd, spool->device, spool->inode);
    if (state == 1) {
        return fd;
    }
    /* The foreign descriptor is its owner's to close; ours is gone, or its file is. */
    int again = state == 0 ? open_spool(spool, 0) : -ENOENT;
    if (again == -ENOENT) {
        atomic_compare_exchange_strong(&current, &spool, NULL);
    } else if (again >= 0 && !atomic_compare_exchange_strong(&spool->fd, &fd, again)) {
        raw_close(again); /* another thread was faster */
        return fd;
    }
    return again;
}

int spool_take(struct spool **into) {
    for (int tries = 0; tries < 3; tries++) {
        struct spool *spool = take_current();
        if (spool == NULL) {
            int error = begin_spool();
            if (error) {
                return -error;
            }
            close_inherited();
            continue;
        }
        int fd = usable(spool);
        if (fd >= 0) {
            *into = spool;
            return fd;
        }
        spool_give(spool);
        if (fd != -ENOENT) {
            return fd;
        }
    }
    return -EBADF;
}

int spool_begin(const char *into) {
    if (strlen(into) >= sizeof folder) {
        return ENAMETOOLONG;
    }
    strcpy(folder, into);
    return begin_spool();
}

void spool_forked(void) {
    struct spool *spool = atomic_load(&current);
    if (spool != NULL) {
        inherited_fd = atomic_load(&spool->fd);
        inherited_device = spool->device;
        inherited_inode = spool->inode;
    }
    atomic_store(&current, NULL);
    for (size_t i = 0; i < SPOOL_ROOM; i++) {
        atomic_store(&pool[i].users, 0); /* whoever held one is not here */
    }
    records_forked();
}
