/* Records, and the file they go to: one JSON line, one write(2), never into a foreign descriptor.
 *
 * The format is docs/reference/spool.md. A spool is named by a random id, made at the beginning
 * and again before a forked child's first record. Its descriptor is compared with what we opened
 * before every write: a program may close descriptors that it does not know and open its own
 * files under their numbers.
 */
#include "shim.h"

#define SPOOL_ROOM 8
#define LOWEST_FD 501
#define FOLDER_ROOM 4096
#define HEADER_ROOM 1024

struct spool {
    _Atomic int fd;
    dev_t device;
    ino_t inode;
    _Atomic int64_t sequence;
    char path[FOLDER_ROOM + 48];
};

static char folder[FOLDER_ROOM];
static struct spool pool[SPOOL_ROOM];
static _Atomic int pool_used;
static _Atomic(struct spool *) current; /* NULL: the next record begins one */
static int inherited_fd = -1;           /* a forked child's copy of its parent's descriptor */
static dev_t inherited_device;
static ino_t inherited_inode;
static _Atomic int64_t lost_unsaid; /* since the last `gap` record */
static _Atomic int64_t lost_in_all;
static _Atomic int lost_error;

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

static int write_whole(int fd, const char *text, size_t length) {
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

static void put_start(struct text *out, int64_t sequence, const char *type) {
    struct timespec wall, steady;
    clock_gettime(CLOCK_REALTIME, &wall);
    clock_gettime(CLOCK_MONOTONIC, &steady);
    char fraction[8] = "000000";
    long microseconds = wall.tv_nsec / 1000;
    for (int i = 5; i >= 0; i--, microseconds /= 10) {
        fraction[i] = (char)('0' + microseconds % 10);
    }
    put(out, "\n{\"v\":1,\"n\":");
    put_number(out, sequence);
    put(out, ",\"type\":\"");
    put(out, type);
    put(out, "\",\"at\":");
    put_number(out, wall.tv_sec);
    put(out, ".");
    put(out, fraction);
    put(out, ",\"ns\":");
    put_number(out, (int64_t)steady.tv_sec * 1000000000 + steady.tv_nsec);
}

static void put_text(struct text *out, const char *key, const char *value) {
    put(out, ",\"");
    put(out, key);
    put(out, value[0] ? "\":\"" : "\":null");
    if (value[0]) {
        put(out, value);
        put(out, "\"");
    }
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
    return write_whole(atomic_load(&spool->fd), buffer, (size_t)(out.at - buffer));
}

/* Begins a new spool file and makes it the current one. Several threads may try at once: one
 * wins, the others take their files away again. */
static int begin_spool(void) {
    int place = atomic_fetch_add(&pool_used, 1);
    if (place >= SPOOL_ROOM) {
        atomic_store(&pool_used, SPOOL_ROOM);
        return EMFILE;
    }
    struct spool *spool = &pool[place], *nobody = NULL;
    char id[33];
    struct text path = {spool->path, spool->path + sizeof spool->path};
    put(&path, folder);
    put(&path, "/");
    put(&path, put_spool_id(id));
    put(&path, ".spool");
    int fd = open_spool(spool, O_CREAT | O_EXCL);
    if (fd < 0) {
        atomic_fetch_sub(&pool_used, 1);
        return -fd;
    }
    atomic_store(&spool->fd, fd);
    int error = write_header(spool, id);
    if (error == 0 && atomic_compare_exchange_strong(&current, &nobody, spool)) {
        return 0;
    }
    raw(SYS_unlinkat, AT_FDCWD, (long)spool->path, 0, 0);
    raw_close(fd);
    if (error) {
        atomic_fetch_sub(&pool_used, 1);
    }
    return error;
}

static void close_inherited(void) {
    int fd = inherited_fd;
    inherited_fd = -1;
    if (fd >= 0 && still_ours(fd, inherited_device, inherited_inode) == 1) {
        raw_close(fd);
    }
}

/* Returns a descriptor that is surely ours, and its spool; or minus an errno. */
static int spool_ready(struct spool **into) {
    for (int tries = 0; tries < 3; tries++) {
        struct spool *spool = atomic_load(&current);
        if (spool == NULL) {
            int error = begin_spool();
            if (error) {
                return -error;
            }
            close_inherited();
            continue;
        }
        *into = spool;
        int fd = atomic_load(&spool->fd);
        int state = still_ours(fd, spool->device, spool->inode);
        if (state == 1) {
            return fd;
        }
        /* The foreign descriptor is its owner's to close; ours is gone, or its file is. */
        int again = state == 0 ? open_spool(spool, 0) : -ENOENT;
        if (again == -ENOENT) {
            atomic_compare_exchange_strong(&current, &spool, NULL);
        } else if (again < 0) {
            return again;
        } else if (!atomic_compare_exchange_strong(&spool->fd, &fd, again)) {
            raw_close(again); /* another thread was faster */
        }
    }
    return -EBADF;
}

static void say_what_was_lost(int fd, struct spool *spool) {
    char buffer[512];
    struct text out = {buffer, buffer + sizeof buffer};
    int64_t count = atomic_exchange(&lost_unsaid, 0);
    if (count == 0) {
        return;
    }
    put_start(&out, atomic_fetch_add(&spool->sequence, 1), "gap");
    put(&out, ",\"reason\":\"file records could not be written\",\"count\":");
    put_number(&out, count);
    put(&out, ",\"detail\":\"errno ");
    put_number(&out, atomic_load(&lost_error));
    put(&out, "\"}\n");
    if (write_whole(fd, buffer, (size_t)(out.at - buffer)) != 0) {
        atomic_fetch_add(&lost_unsaid, count);
    }
}

void spool_lost(int error) {
    atomic_store(&lost_error, error);
    atomic_fetch_add(&lost_unsaid, 1);
    atomic_fetch_add(&lost_in_all, 1);
}

int64_t spool_lost_total(void) {
    return atomic_load(&lost_in_all);
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
    atomic_store(&pool_used, 0);
    atomic_store(&lost_unsaid, 0); /* the parent says it */
    atomic_store(&lost_in_all, 0);
}

/* ---- records ---- */

static void put_stat(struct text *out, const struct stat *found) {
    put(out, ",\"stat\":");
    if (found == NULL) {
        put(out, "null");
        return;
    }
    const struct timespec *times[] = {&found->st_mtim, &found->st_ctim};
    put(out, "[");
    put_number(out, (int64_t)found->st_dev);
    put(out, ",");
    put_number(out, (int64_t)found->st_ino);
    put(out, ",");
    put_number(out, (int64_t)found->st_size);
    for (int i = 0; i < 2; i++) {
        put(out, ",");
        put_number(out, (int64_t)times[i]->tv_sec * 1000000000 + times[i]->tv_nsec);
    }
    put(out, "]");
}

static void put_named_path(struct text *out, const char *key, const struct path *path) {
    put(out, ",\"");
    put(out, key);
    put(out, "\":\"");
    put_path(out, path->text, path->length);
    put(out, "\"");
}

static void put_fact(struct text *out, const struct fact *fact) {
    put_text(out, "op", fact->op);
    put(out, ",\"c\":");
    put_number(out, fact->c);
    put_named_path(out, "p", fact->path);
    put(out, fact->path->absolute ? ",\"absolute\":true" : ",\"absolute\":false");
    if (fact->path2 != NULL) {
        put_named_path(out, "q", fact->path2);
        put(out, fact->path2->absolute ? ",\"absolute2\":true" : ",\"absolute2\":false");
    }
    if (fact->flags >= 0) {
        put(out, ",\"flags\":");
        put_number(out, fact->flags);
    }
    if (fact->directory) {
        put(out, ",\"directory\":true");
    }
    if (fact->count > 0) {
        put(out, ",\"count\":");
        put_number(out, (int64_t)fact->count);
    } else {
        put_stat(out, fact->found);
    }
    put(out, ",\"via\":\"native\",\"thread\":");
    put(out, fact->native ? "\"native\"}\n" : "\"python\"}\n");
}

static void write_record(struct scratch *room, struct text *out, int fd, struct spool *spool) {
    int error = write_whole(fd, room->out, (size_t)(out->at - room->out));
    if (error) {
        spool_lost(error);
    } else if (atomic_load_explicit(&lost_unsaid, memory_order_relaxed) != 0) {
        say_what_was_lost(fd, spool);
    }
}

/* Put a record's first keys; returns the spool's descriptor, negative when the record is lost. */
static int begin_record(struct spool **spool, struct text *out, const char *type) {
    int fd = spool_ready(spool);
    if (fd < 0) {
        spool_lost(-fd);
        return fd;
    }
    put_start(out, atomic_fetch_add(&(*spool)->sequence, 1), type);
    return fd;
}

void spool_file(struct scratch *room, const struct fact *fact) {
    struct spool *spool;
    struct text out = {room->out, room->out + sizeof room->out};
    int fd = begin_record(&spool, &out, "file");
    if (fd < 0)
        return;
    put_fact(&out, fact);
    write_record(room, &out, fd, spool);
}

void spool_refused(struct scratch *room, const char *op, const char *path, size_t length) {
    struct spool *spool;
    struct text out = {room->out, room->out + sizeof room->out};
    int fd = begin_record(&spool, &out, "refused");
    if (fd < 0)
        return;
    put_text(&out, "op", op);
    put(&out, ",\"c\":");
    put_number(&out, lh_c >= 0 ? lh_c : atomic_load(&lh_active));
    put(&out, ",\"p\":\"");
    put_path(&out, path, length);
    put(&out, "\"}\n");
    write_record(room, &out, fd, spool);
}

void spool_child(struct scratch *room, int64_t c) {
    struct spool *spool;
    struct text out = {room->out, room->out + sizeof room->out};
    int fd = begin_record(&spool, &out, "child");
    if (fd < 0)
        return;
    put(&out, ",\"c\":");
    put_number(&out, c);
    put(&out, "}\n");
    write_record(room, &out, fd, spool);
}
