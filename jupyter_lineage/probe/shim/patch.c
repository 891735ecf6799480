/* All libraries that are loaded: which are new, which are left alone, and when to look again.
 *
 * Never rewritten: ourselves, the C library, the dynamic linker, the vdso, and any library that
 * a watched function lives in (a preloaded interposer), all told by load address, not by name.
 */
#include "slots.h"

#include <dlfcn.h>
#include <sched.h>
#include <sys/auxv.h>

#define MOST_OBJECTS 8192
#define MOST_EXCLUDED 64
#define MOST_RETRIES 8

static struct {
    ElfW(Addr) base;
    const void *headers;
} done[MOST_OBJECTS];
static size_t done_count;
static ElfW(Addr) excluded[MOST_EXCLUDED];
static size_t excluded_count;
static unsigned long long seen_adds, seen_subs;
static int retries;
static _Atomic int scanning;
static __thread int scanning_here __attribute__((tls_model("initial-exec")));

/* ---- which are left alone ---- */

static int is_excluded(const struct object *object) {
    for (size_t i = 0; i < excluded_count; i++) {
        if (slots_contain(object, excluded[i])) {
            return 1;
        }
    }
    return 0;
}

static int is_done_at(size_t place, const struct dl_phdr_info *info) {
    return place < done_count && done[place].base == info->dlpi_addr &&
           done[place].headers == info->dlpi_phdr;
}

/* Libraries come in the same order each time, so it is nearly always where we look first. */
static int is_done(const struct dl_phdr_info *info, size_t *place) {
    if (is_done_at(*place, info)) {
        ++*place;
        return 1;
    }
    for (size_t i = 0; i < done_count; i++) {
        if (is_done_at(i, info)) {
            *place = i + 1;
            return 1;
        }
    }
    return 0;
}

/* ---- all libraries ---- */

struct scan {
    size_t place; /* where in `done` the next library is expected */
    int patched;
    int incomplete;
    unsigned long long adds, subs;
};

static int visit(struct dl_phdr_info *info, size_t size, void *into) {
    struct scan *scan = into;
    struct object object;
    if (size >= offsetof(struct dl_phdr_info, dlpi_tls_modid)) {
        scan->adds = info->dlpi_adds;
        scan->subs = info->dlpi_subs;
        if (scan->subs != seen_subs) { /* another library may lie where a known one lay */
            done_count = 0;
            seen_subs = scan->subs;
        }
    }
    if (is_done(info, &scan->place)) {
        return 0;
    }
    slots_describe(&object, info);
    if (object.dynamic != NULL && !is_excluded(&object)) {
        slots_patch(&object);
    }
    scan->patched += object.patched;
    scan->incomplete |= object.incomplete;
    if (!object.incomplete && done_count < MOST_OBJECTS) {
        done[done_count].base = info->dlpi_addr;
        done[done_count++].headers = info->dlpi_phdr;
        scan->place = done_count;
    }
    return 0;
}

static int scan_all(void) {
    struct scan scan = {.adds = seen_adds, .subs = seen_subs};
    if (!slots_begin()) {
        return 0; /* no descriptor free: at the next look */
    }
    dl_iterate_phdr(visit, &scan);
    slots_end();
    if (scan.incomplete && ++retries < MOST_RETRIES) {
        return scan.patched; /* seen_adds stays behind, so the next look comes back to it */
    }
    retries = 0;
    seen_adds = scan.adds;
    return scan.patched;
}

static int has_changed(struct dl_phdr_info *info, size_t size, void *into) {
    *(int *)into = size < offsetof(struct dl_phdr_info, dlpi_tls_modid) ||
                   info->dlpi_adds != seen_adds || info->dlpi_subs != seen_subs;
    return 1;
}

static void lock(void) {
    int free_now = 0;
    while (!atomic_compare_exchange_weak(&scanning, &free_now, 1)) {
        free_now = 0;
        sched_yield();
    }
    scanning_here = 1;
}

static void unlock(void) {
    scanning_here = 0;
    atomic_store(&scanning, 0);
}

static int rescan(void) {
    int changed = 0, patched = 0;
    if (!scanning_here && in_own_process()) {
        lock(); /* around the look too: see patch_before_fork */
        dl_iterate_phdr(has_changed, &changed);
        patched = changed ? scan_all() : 0;
        unlock();
    }
    return patched;
}

/* In a forked child the dynamic linker's lock may be held for ever by a thread that did not come
 * along, so nothing may ask for it there unless a library has just been loaded. */
int patch_rescan(void) {
    return lh_process.forked ? 0 : rescan();
}

void patch_loaded(const void *handle) {
    const struct link_map *map = handle; /* what a handle is, in glibc and in musl */
    if (!lh_process.forked) {
        rescan();
        return;
    }
    for (size_t i = 0; i < done_count; i++) {
        if (done[i].base == map->l_addr) {
            return;
        }
    }
    rescan();
}

/* A fork in the middle of another thread's scan would leave the child with the dynamic linker's
 * lock, and with ours, and nobody to open them. */
void patch_before_fork(void) {
    if (!scanning_here) {
        lock();
        scanning_here = 0;
    }
}

void patch_after_fork(void) {
    if (!scanning_here) {
        unlock();
    }
}

static void exclude(const void *inside) {
    if (inside != NULL && excluded_count < MOST_EXCLUDED) {
        excluded[excluded_count++] = (ElfW(Addr))inside;
    }
}

struct lookup {
    ElfW(Addr) address;
    int in_program;
};

static int is_program(struct dl_phdr_info *info, size_t size, void *into) {
    struct lookup *lookup = into;
    struct object object;
    (void)size;
    slots_describe(&object, info);
    lookup->in_program = slots_contain(&object, lookup->address);
    return 1; /* the program itself comes first */
}

/* What a library would be bound to. A program that is not position independent may have an entry
 * of its own under the name, which jumps through its slot, so through us: take libc's then. */
static void *real_of(const char *name, void *native) {
    void *found = dlsym(RTLD_DEFAULT, name);
    struct lookup lookup = {(ElfW(Addr))found, 0};
    dl_iterate_phdr(is_program, &lookup);
    return found == NULL || lookup.in_program ? native : found;
}

static void find_real(struct hook *hook) {
    hook->native = dlsym(RTLD_NEXT, hook->name);
    *hook->real = real_of(hook->name, hook->native);
    if (excluded_count + 3 < MOST_EXCLUDED) {
        exclude(*hook->real);
    }
}

int patch_begin(void) {
    const struct hooks *const all[] = {&lh_opens, &lh_calls};
    for (size_t part = 0; part < sizeof all / sizeof *all; part++) {
        for (size_t i = 0; i < all[part]->count; i++) {
            find_real(&all[part]->at[i]);
        }
    }
    exclude((const void *)&done);                        /* ourselves */
    exclude((const void *)getauxval(AT_SYSINFO_EHDR));   /* the vdso */
    exclude((const void *)getauxval(AT_BASE));           /* the dynamic linker */
    lock();
    scan_all();
    unlock();
    return 0;
}
