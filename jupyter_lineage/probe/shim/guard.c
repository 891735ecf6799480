/* Refusing to change anything outside given folders (a reproduction's kernel).
 *
 * The place that a call would change is found by asking the kernel: its folder is opened with
 * O_PATH and /proc/self/fd says what that really is, so links and ".." can't hide where it leads.
 * A call that could not do anything anyway (no such folder, no such file) is let through, so that
 * the program gets the error it expects.
 */
#include "shim.h"

#include <limits.h>

#define MOST_LINKS 40

_Atomic(struct prefixes *) guard_prefixes;

struct place {
    char *text; /* in room->lexical[0] */
    size_t length;
};

static int is_tmpfile(int flags) {
    return (flags & O_TMPFILE) == O_TMPFILE;
}

/* What `fd` really is, by its path. Returns 0 when it can't be told. */
static int place_of(long fd, struct place *place) {
    char link[40];
    struct text name = {link, link + sizeof link};
    put(&name, "/proc/self/fd/");
    put_number(&name, fd);
    long had = raw(SYS_readlinkat, AT_FDCWD, (long)link, (long)place->text, PATH_MAX - 1);
    place->length = had > 0 ? (size_t)had : 0;
    place->text[place->length] = '\0';
    return had > 0;
}

static int inside(const struct place *place) {
    /* Shared memory by the names that libraries give; the Python side knows which are others'. */
    static const char *const always[] = {"/proc/", "/dev/shm/sem.", "/dev/shm/psm_",
                                         "/dev/shm/wnsm_", "/dev/shm/torch_", "/dev/shm/loky-",
                                         "/dev/shm/joblib_memmapping_folder_", "/dev/shm/pymp-"};
    for (size_t i = 0; i < sizeof always / sizeof *always; i++) {
        if (strncmp(place->text, always[i], strlen(always[i])) == 0) {
            return 1;
        }
    }
    return under_any(atomic_load_explicit(&guard_prefixes, memory_order_acquire), place->text,
                     place->length);
}

/* Pipes, sockets and files without a name hold nothing of the user's. Devices may. */
static int harmless(long fd) {
    struct stat found;
    return raw_fstat((int)fd, &found) == 0 &&
           (S_ISFIFO(found.st_mode) || S_ISSOCK(found.st_mode) || found.st_nlink == 0);
}

/* Splits `path` (without its slashes at the end) into folder and name. */
static int split(const char *path, char *folder, char *name) {
    size_t length = strnlen(path, PATH_MAX), start;
    while (length > 1 && path[length - 1] == '/') {
        length--;
    }
    for (start = length; start > 0 && path[start - 1] != '/'; start--) {
    }
    if (length - start > NAME_MAX) {
        return 0;
    }
    memcpy(name, path + start, length - start);
    name[length - start] = '\0';
    memcpy(folder, start > 0 ? path : ".", start > 0 ? start : 1);
    folder[start > 0 ? start : 1] = '\0';
    return 1;
}

/* Joins a name to the folder in `place`. */
static void join(struct place *place, const char *name) {
    size_t length = strlen(name);
    if (place->length + length + 2 > PATH_ROOM || length == 0) {
        return;
    }
    if (place->text[place->length - 1] != '/') {
        place->text[place->length++] = '/';
    }
    memcpy(place->text + place->length, name, length + 1);
    place->length += length;
}

/* Finds where a name lies or would lie, links in its folder resolved; `follow` a link that the
 * name itself is. Returns 0 when the call can't do anything there. */
static int find(struct scratch *room, struct place *place, int directory, int follow) {
    char *path = room->given[0], *folder = room->given[1], name[NAME_MAX + 1];
    long base = -1;
    int found = 0;
    for (int links = 0; links < MOST_LINKS && split(path, folder, name); links++) {
        long parent = raw_openat(base >= 0 ? (int)base : directory, folder,
                                 O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
        if (base >= 0) {
            raw_close(base);
        }
        base = parent;
        if (base < 0) {
            break;
        }
        long had = follow ? raw(SYS_readlinkat, base, (long)name, (long)path, PATH_MAX - 1) : -1;
        if (had <= 0) { /* no link */
            found = place_of(base, place);
            join(place, name);
            break;
        }
        path[had] = '\0';
    }
    if (base >= 0) {
        raw_close(base);
    }
    return found;
}

static int refuse(struct scratch *room, const char *op, const struct place *place) {
    if (in_own_process()) {
        spool_refused(room, op, place->text, place->length);
    }
    scratch_give(room);
    errno = EACCES;
    return -1;
}

static int let_go(struct scratch *room) {
    scratch_give(room);
    return 0;
}

static struct scratch *begin(const char *path) {
    struct scratch *room = scratch_take();
    if (room != NULL) {
        size_t length = strnlen(path, PATH_MAX);
        memcpy(room->given[0], path, length);
        room->given[0][length] = '\0';
    }
    return room;
}

/* Opens what is there; -EFAULT and the like tell that `path` can't be read: the real call says. */
static long probe(int directory, const char *path, int no_follow) {
    return raw_openat(directory, path, O_PATH | O_CLOEXEC | (no_follow ? O_NOFOLLOW : 0), 0);
}

static int no_room(void) {
    errno = EACCES; /* no room to look: rather refuse than harm */
    return -1;
}

/* What is there is judged by what it leads to. */
static int judge_existing(const char *op, const char *path, long fd) {
    struct scratch *room = begin(path);
    if (room == NULL) {
        raw_close(fd);
        return no_room();
    }
    struct place place = {room->lexical[0], 0};
    int allowed = harmless(fd) || !place_of(fd, &place) || inside(&place);
    raw_close(fd);
    return allowed ? let_go(room) : refuse(room, op, &place);
}

/* A name is judged by the folder that it lies in; `follow` when a link would be followed. */
static int judge_name(const char *op, int directory, const char *path, int follow) {
    struct scratch *room = begin(path);
    if (room == NULL) {
        return no_room();
    }
    struct place place = {room->lexical[0], 0};
    if (!find(room, &place, directory, follow) || inside(&place)) {
        return let_go(room);
    }
    return refuse(room, op, &place);
}

int guard_open(int directory, const char *path, int flags) {
    int writes = (flags & O_ACCMODE) != O_RDONLY || (flags & (O_CREAT | O_TRUNC)) != 0;
    if (!guarded() || path == NULL || (flags & O_PATH) || !(writes || is_tmpfile(flags))) {
        return 0;
    }
    int fresh = (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL);
    long fd = probe(directory, path, fresh || (flags & O_NOFOLLOW));
    if (fd < 0) {
        return fd == -ENOENT && (flags & O_CREAT) ? judge_name("open", directory, path, !fresh) : 0;
    }
    if (fresh) { /* it is there: the call will say so */
        raw_close(fd);
        return 0;
    }
    return judge_existing("open", path, fd);
}

int guard_file(const char *op, int directory, const char *path) {
    long fd = guarded() && path != NULL ? probe(directory, path, 0) : -1;
    return fd >= 0 ? judge_existing(op, path, fd) : 0;
}

int guard_name(const char *op, int directory, const char *path, int when) {
    struct stat found;
    if (!guarded() || path == NULL) {
        return 0;
    }
    int failed = raw_stat(directory, path, &found, AT_SYMLINK_NOFOLLOW);
    int matters = failed == 0 ? when & WHEN_THERE : failed == -ENOENT && (when & WHEN_ABSENT);
    return matters ? judge_name(op, directory, path, 0) : 0;
}
