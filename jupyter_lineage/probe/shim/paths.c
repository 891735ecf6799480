/* Absolute paths without malloc, and whether one lies under given prefixes. */
#include "shim.h"

#include <limits.h>
#include <stdlib.h>

#define SCRATCH_COUNT 32

static struct scratch scratch[SCRATCH_COUNT];

_Atomic(struct prefixes *) ignored_prefixes;

struct scratch *scratch_take(void) {
    for (size_t i = 0; i < SCRATCH_COUNT; i++) {
        int free_now = 0;
        if (atomic_load_explicit(&scratch[i].taken, memory_order_relaxed) == 0 &&
            atomic_compare_exchange_strong(&scratch[i].taken, &free_now, 1)) {
            return &scratch[i];
        }
    }
    return NULL;
}

void scratch_give(struct scratch *room) {
    atomic_store_explicit(&room->taken, 0, memory_order_release);
}

void scratch_forget_all(void) {
    for (size_t i = 0; i < SCRATCH_COUNT; i++) {
        atomic_store_explicit(&scratch[i].taken, 0, memory_order_relaxed);
    }
}

/* Puts the absolute form of `given` into `into` and returns its length; 0: it can't be told. */
static size_t absolute_of(char *into, int directory, const char *given) {
    size_t length = strnlen(given, PATH_MAX), base = 0;
    if (given[0] != '/') {
        long had;
        if (directory == AT_FDCWD) {
            had = raw(SYS_getcwd, (long)into, PATH_MAX, 0, 0) - 1; /* it counts the NUL */
        } else {
            char link[40];
            struct text name = {link, link + sizeof link};
            put(&name, "/proc/self/fd/");
            put_number(&name, directory);
            had = raw(SYS_readlinkat, AT_FDCWD, (long)link, (long)into, PATH_MAX - 1);
        }
        if (had <= 0 || into[0] != '/') {
            return 0; /* a folder that was removed, or lies outside our root */
        }
        base = (size_t)had;
        into[base++] = '/';
    }
    memcpy(into + base, given, length);
    into[base + length] = '\0';
    return base + length;
}

/* Takes "//" and "." out, and ".." too when `dots` says so. Returns the new length. */
static size_t clean(char *into, const char *path, int dots, int *had_dots) {
    size_t used = 0;
    while (*path != '\0') {
        const char *start = path;
        while (*path != '\0' && *path != '/') {
            path++;
        }
        size_t length = (size_t)(path - start);
        int up = length == 2 && start[0] == '.' && start[1] == '.';
        *had_dots |= up;
        if (up && dots) {
            while (used > 0 && into[--used] != '/') {
            }
        } else if (length > 0 && !(length == 1 && start[0] == '.')) {
            into[used++] = '/';
            memmove(into + used, start, length); /* may be cleaned in place */
            used += length;
        }
        while (*path == '/') {
            path++;
        }
    }
    if (used == 0) {
        into[used++] = '/';
    }
    into[used] = '\0';
    return used;
}

static int stat_parent(char *path, size_t length, struct stat *found) {
    size_t cut = length;
    while (cut > 1 && path[cut - 1] != '/') {
        cut--;
    }
    char kept = path[cut];
    path[cut] = '\0';
    int failed = raw_stat(AT_FDCWD, path, found, 0);
    path[cut] = kept;
    return failed;
}

/* ".." after a symbolic link leads elsewhere than the text says: ask whether it does here. */
static int same_parent(char *one, size_t one_length, char *other, size_t other_length) {
    struct stat a, b;
    return stat_parent(one, one_length, &a) == 0 && stat_parent(other, other_length, &b) == 0 &&
           a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

int path_of(struct path *out, struct scratch *room, int which, int directory, const char *given) {
    int had_dots = 0;
    char *as_given = room->given[which], *lexical = room->lexical[which];
    if (absolute_of(as_given, directory, given) == 0) {
        return 0;
    }
    out->absolute = given[0] == '/';
    out->text = lexical;
    out->length = clean(lexical, as_given, 1, &had_dots);
    out->ignored = under_any(atomic_load_explicit(&ignored_prefixes, memory_order_acquire),
                             lexical, out->length);
    if (had_dots && !out->ignored) {
        size_t length = clean(as_given, as_given, 0, &had_dots);
        if (!same_parent(as_given, length, lexical, out->length)) {
            out->text = as_given;
            out->length = length;
        }
    }
    return 1;
}

int under_any(const struct prefixes *list, const char *path, size_t length) {
    for (size_t i = 0; list != NULL && i < list->count; i++) {
        size_t own = list->item[i].length;
        if (length >= own && memcmp(path, list->item[i].text, own) == 0 &&
            (length == own || path[own] == '/' || own == 0)) {
            return 1;
        }
    }
    return 0;
}

struct prefixes *prefixes_from(const char *packed, size_t size) {
    size_t count = 0;
    for (size_t i = 0; i < size; i++) {
        count += packed[i] == '\0';
    }
    struct prefixes *list = malloc(sizeof *list + count * sizeof list->item[0] + size);
    if (list == NULL) {
        return NULL;
    }
    char *text = (char *)&list->item[count];
    memcpy(text, packed, size);
    list->count = count;
    for (size_t i = 0; i < count; i++) {
        list->item[i].text = text;
        list->item[i].length = strlen(text);
        text += list->item[i].length + 1;
    }
    return list;
}
