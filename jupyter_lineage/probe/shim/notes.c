/* From a call that succeeded to its record.
 *
 * Paths are read here, after the real call has taken them. errno stays as that call left it.
 */
#include "shim.h"

#include <stdio.h>

int noting(void) {
    return atomic_load_explicit(&lh_recording, memory_order_relaxed) && in_own_process();
}

/* The execution that the calling thread works for. */
static int64_t execution(int *native) {
    *native = lh_c < 0;
    return *native ? atomic_load_explicit(&lh_active, memory_order_relaxed) : lh_c;
}

static struct scratch *room_for_record(void) {
    struct scratch *room = scratch_take();
    if (room == NULL) {
        spool_lost(ENOBUFS);
    }
    return room;
}

static void write_opened(struct scratch *room, int directory, const char *path, int flags, int fd) {
    struct path where;
    struct stat found;
    struct fact fact = {.op = "open", .path = &where, .flags = flags, .found = &found};
    if (!path_of(&where, room, 0, directory, path)) {
        spool_lost(ENOENT);
        return;
    }
    if (where.ignored || raw_fstat(fd, &found) != 0 || !S_ISREG(found.st_mode)) {
        return;
    }
    fact.c = execution(&fact.native);
    struct opened what = {fact.c, fact.native, &where, flags, &found};
    if (!repeats_count(&what)) {
        spool_file(room, &fact);
    }
}

void note_opened(int directory, const char *path, int flags, int fd) {
    if ((flags & (O_PATH | O_DIRECTORY)) || !noting()) { /* O_TMPFILE has O_DIRECTORY's bit too */
        return;
    }
    int kept = errno;
    struct scratch *room = room_for_record();
    if (room != NULL) {
        write_opened(room, directory, path, flags, fd);
        scratch_give(room);
    }
    errno = kept;
}

/* `fact` has op, flags and directory. */
static void write_named(struct scratch *room, struct fact *fact, const struct names *names) {
    struct path one, two = {.ignored = 1};
    struct stat found;
    if (!path_of(&one, room, 0, names->directory, names->path) ||
        (names->path2 != NULL && !path_of(&two, room, 1, names->directory2, names->path2))) {
        spool_lost(ENOENT);
        return;
    }
    if (one.ignored && two.ignored) {
        return;
    }
    const char *last = names->path2 != NULL ? two.text : one.text;
    int follow = strcmp(fact->op, "truncate") == 0 ? 0 : AT_SYMLINK_NOFOLLOW;
    if (raw_stat(AT_FDCWD, last, &found, follow) == 0) {
        fact->found = S_ISREG(found.st_mode) ? &found : NULL;
        fact->directory |= S_ISDIR(found.st_mode);
    }
    fact->path = &one;
    fact->path2 = names->path2 != NULL ? &two : NULL;
    fact->c = execution(&fact->native);
    spool_file(room, fact);
}

static void named(struct fact fact, struct names names) {
    if (!noting()) {
        return;
    }
    int kept = errno;
    struct scratch *room = room_for_record();
    if (room != NULL) {
        write_named(room, &fact, &names);
        scratch_give(room);
    }
    errno = kept;
}

void note_made_folder(int directory, const char *path) {
    named((struct fact){.op = "mkdir", .flags = -1, .directory = 1},
          (struct names){directory, path, 0, NULL});
}

void note_removed(int directory, const char *path, int folder) {
    named((struct fact){.op = "remove", .flags = -1, .directory = folder},
          (struct names){directory, path, 0, NULL});
}

void note_truncated(const char *path) {
    named((struct fact){.op = "truncate", .flags = -1}, (struct names){AT_FDCWD, path, 0, NULL});
}

void note_renamed(struct names names, unsigned flags) {
    named((struct fact){.op = "rename", .flags = (int)flags}, names);
    if (flags & RENAME_EXCHANGE) {
        struct names back = {names.directory2, names.path2, names.directory, names.path};
        named((struct fact){.op = "rename", .flags = (int)flags}, back);
    }
}

void note_linked(struct names names) {
    named((struct fact){.op = "link", .flags = -1}, names);
}

/* A symbolic link's text is seen from the folder that the link lies in. */
void note_symlinked(const char *text, int directory, const char *path) {
    struct scratch *room = noting() && text[0] != '/' ? scratch_take() : NULL;
    struct names names = {directory, text, directory, path};
    if (room != NULL) {
        size_t folder = strnlen(path, PATH_ROOM / 2), length = strnlen(text, PATH_ROOM / 2);
        while (folder > 0 && path[folder - 1] != '/') {
            folder--;
        }
        memcpy(room->out, path, folder);
        memcpy(room->out + folder, text, length);
        room->out[folder + length] = '\0';
        names.path = room->out;
    }
    named((struct fact){.op = "symlink", .flags = -1}, names);
    if (room != NULL) {
        scratch_give(room);
    }
}

/* Returns a program's name when it is plain and of the system, else NULL. A bare name is none: it
 * may lead anywhere. */
static const char *plain_name(const char *program) {
    static const char *const folders[] = {"/usr/", "/bin/", "/sbin/", "/opt/"};
    const char *name = program;
    int known = 0;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        known |= strncmp(program, folders[i], strlen(folders[i])) == 0;
    }
    for (const char *at = program; *at != '\0'; at++) {
        name = *at == '/' ? at + 1 : name;
    }
    size_t length = strnlen(name, 65);
    int plain = length > 0 && length <= 64 &&
                name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789._+-")] == '\0';
    return known && plain && strstr(program, "/../") == NULL ? name : NULL;
}

static int64_t mixed(int64_t c, const char *name) {
    uint64_t sum = (uint64_t)c;
    for (; name != NULL && *name != '\0'; name++) {
        sum = (sum ^ (unsigned char)*name) * 0x100000001b3u;
    }
    return (int64_t)sum;
}

/* One record for each execution, way and program is enough; some more do no harm. */
void note_child(int kind, const char *program) {
    static _Atomic int64_t last[CHILD_KINDS];
    int native, kept = errno;
    int64_t c = execution(&native);
    const char *name = program != NULL ? plain_name(program) : NULL;
    int64_t this = mixed(c, name);
    if (c <= 0 || !noting() || atomic_exchange(&last[kind], this) == this) {
        return;
    }
    struct scratch *room = room_for_record();
    if (room != NULL) {
        spool_child(room, c, name);
        scratch_give(room);
    }
    errno = kept;
}
