/* Rewriting the import slots (global offset tables) of the libraries that are loaded.
 *
 * A call from one library to another goes through a slot that the dynamic linker fills. We put
 * our wrapper into the slots that hold a function of ours to watch; the function itself is not
 * touched. A slot is only rewritten when it holds exactly the function that we would call, or is
 * not bound yet: whoever else put something there keeps it.
 *
 * Never rewritten: ourselves, the C library, the dynamic linker, the vdso, and any library that
 * such a function lives in (a preloaded interposer), all told by load address, not by name.
 */
#include "shim.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <sched.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#ifdef __x86_64__
#define RELOC_JUMP R_X86_64_JUMP_SLOT
#define RELOC_DATA R_X86_64_GLOB_DAT
#define RELOC_ADDRESS R_X86_64_64
#else
#define RELOC_JUMP R_AARCH64_JUMP_SLOT
#define RELOC_DATA R_AARCH64_GLOB_DAT
#define RELOC_ADDRESS R_AARCH64_ABS64
#endif

#define MOST_OBJECTS 8192
#define MOST_EXCLUDED 64
#define MOST_RETRIES 8

struct object {
    ElfW(Addr) base, low, high; /* load bias, first and last mapped address */
    ElfW(Addr) relro, relro_end;
    const ElfW(Phdr) *headers;
    int header_count;
    const ElfW(Dyn) *dynamic;
    const ElfW(Sym) *symbols;
    const char *strings;
    const ElfW(Rela) *relocs[2];
    size_t reloc_count[2];
    int unlocked;   /* we took the write protection off its RELRO part */
    int incomplete; /* the dynamic linker is still at work on it, in another thread */
    int patched;
};

static struct {
    ElfW(Addr) base;
    const void *headers;
} done[MOST_OBJECTS];
static size_t done_count;
static ElfW(Addr) excluded[MOST_EXCLUDED];
static size_t excluded_count;
static unsigned long long seen_adds, seen_subs;
static int retries;
static uintptr_t page;
static int pipe_ends[2] = {-1, -1};
static _Atomic int scanning;
static __thread int scanning_here __attribute__((tls_model("initial-exec")));

/* ---- one slot ---- */

/* Stores through a system call, which fails where memory is write-protected, without a signal. */
static int store_if_writable(void **slot, void *value) {
    void *back;
    if (raw(SYS_write, pipe_ends[1], (long)&value, sizeof value, 0) != sizeof value) {
        return 0;
    }
    if (raw(SYS_read, pipe_ends[0], (long)slot, sizeof *slot, 0) == sizeof *slot) {
        return 1;
    }
    raw(SYS_read, pipe_ends[0], (long)&back, sizeof back, 0);
    return 0;
}

/* A library's RELRO part becomes read-only when the dynamic linker is done with it, so a part
 * that is read-only is not being worked on, and we can open it for a moment and close it. */
static int store(struct object *object, void **slot, void *value) {
    ElfW(Addr) at = (ElfW(Addr))slot;
    int in_relro = at >= object->relro && at < object->relro_end;
    if (in_relro && !object->unlocked) {
        if (store_if_writable(slot, value)) {
            return 1;
        }
        if (mprotect((void *)object->relro, object->relro_end - object->relro,
                     PROT_READ | PROT_WRITE) != 0) {
            return 0;
        }
        object->unlocked = 1;
    }
    __atomic_store_n(slot, value, __ATOMIC_RELEASE);
    return 1;
}

static int in_writable_part(const struct object *object, ElfW(Addr) at) {
    for (int i = 0; i < object->header_count; i++) {
        const ElfW(Phdr) *header = &object->headers[i];
        ElfW(Addr) from = object->base + header->p_vaddr;
        if (header->p_type == PT_LOAD && at >= from && at < from + header->p_memsz) {
            return (header->p_flags & PF_W) != 0;
        }
    }
    return 0;
}

/* Quick: nearly all names are mangled C++ that no hook begins like. */
static const struct hook *hook_of(const char *name) {
    if (name[0] == '_' && name[1] == 'Z') {
        return NULL;
    }
    for (size_t i = 0; i < lh_hook_count; i++) {
        if (lh_hooks[i].name[0] == name[0] && strcmp(lh_hooks[i].name, name) == 0) {
            return *lh_hooks[i].real != NULL ? &lh_hooks[i] : NULL;
        }
    }
    return NULL;
}

static void patch_reloc(struct object *object, const ElfW(Rela) *reloc) {
    unsigned type = (unsigned)ELF64_R_TYPE(reloc->r_info);
    if (type != RELOC_JUMP && type != RELOC_DATA && type != RELOC_ADDRESS) {
        return;
    }
    const ElfW(Sym) *symbol = &object->symbols[ELF64_R_SYM(reloc->r_info)];
    if (symbol->st_shndx != SHN_UNDEF || (type == RELOC_ADDRESS && reloc->r_addend != 0)) {
        return;
    }
    const struct hook *hook = hook_of(object->strings + symbol->st_name);
    void **slot = (void **)(object->base + reloc->r_offset);
    if (hook == NULL || !in_writable_part(object, (ElfW(Addr))slot)) {
        return;
    }
    void *held = __atomic_load_n(slot, __ATOMIC_ACQUIRE);
    ElfW(Addr) value = (ElfW(Addr))held;
    int unbound = type == RELOC_JUMP && value >= object->low && value < object->high;
    if (held == *hook->real || held == hook->native || unbound) {
        object->patched += store(object, slot, hook->wrapper);
    } else if (held == NULL || (object->base != 0 && value < object->high - object->low)) {
        object->incomplete = 1;
    }
}

/* ---- one library ---- */

static ElfW(Addr) located(const struct object *object, ElfW(Addr) value) {
    return value < object->base ? object->base + value : value; /* musl leaves them as offsets */
}

static void read_dynamic(struct object *object) {
    size_t bytes[2] = {0, 0}, relative = 0;
    for (const ElfW(Dyn) *entry = object->dynamic; entry->d_tag != DT_NULL; entry++) {
        ElfW(Addr) at = located(object, entry->d_un.d_ptr);
        switch (entry->d_tag) {
        case DT_SYMTAB: object->symbols = (const ElfW(Sym) *)at; break;
        case DT_STRTAB: object->strings = (const char *)at; break;
        case DT_JMPREL: object->relocs[0] = (const ElfW(Rela) *)at; break;
        case DT_PLTRELSZ: bytes[0] = entry->d_un.d_val; break;
        case DT_RELA: object->relocs[1] = (const ElfW(Rela) *)at; break;
        case DT_RELASZ: bytes[1] = entry->d_un.d_val; break;
        case DT_RELACOUNT: relative = entry->d_un.d_val; break;
        default: break;
        }
    }
    for (int i = 0; i < 2; i++) {
        object->reloc_count[i] = object->relocs[i] ? bytes[i] / sizeof(ElfW(Rela)) : 0;
    }
    if (relative <= object->reloc_count[1]) { /* these come first and have no symbol */
        object->relocs[1] += relative;
        object->reloc_count[1] -= relative;
    }
}

static void describe(struct object *object, const struct dl_phdr_info *info) {
    memset(object, 0, sizeof *object);
    object->base = info->dlpi_addr;
    object->headers = info->dlpi_phdr;
    object->header_count = info->dlpi_phnum;
    object->low = ~(ElfW(Addr))0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        ElfW(Addr) from = info->dlpi_addr + header->p_vaddr;
        if (header->p_type == PT_DYNAMIC) {
            object->dynamic = (const ElfW(Dyn) *)from;
        } else if (header->p_type == PT_GNU_RELRO) {
            object->relro = from & ~(page - 1);
            object->relro_end = (from + header->p_memsz) & ~(page - 1);
        } else if (header->p_type == PT_LOAD) {
            object->low = from < object->low ? from : object->low;
            object->high = from + header->p_memsz > object->high ? from + header->p_memsz
                                                                 : object->high;
        }
    }
}

static int contains(const struct object *object, ElfW(Addr) at) {
    return at >= object->low && at < object->high;
}

static int is_excluded(const struct object *object) {
    for (size_t i = 0; i < excluded_count; i++) {
        if (contains(object, excluded[i])) {
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

static void patch_object(struct object *object) {
    read_dynamic(object);
    if (object->symbols == NULL || object->strings == NULL) {
        return;
    }
    for (int table = 0; table < 2; table++) {
        for (size_t i = 0; i < object->reloc_count[table]; i++) {
            patch_reloc(object, &object->relocs[table][i]);
        }
    }
    if (object->unlocked) {
        mprotect((void *)object->relro, object->relro_end - object->relro, PROT_READ);
    }
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
    describe(&object, info);
    if (object.dynamic != NULL && !is_excluded(&object)) {
        patch_object(&object);
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
    if (raw(SYS_pipe2, (long)pipe_ends, O_CLOEXEC, 0, 0) != 0) {
        return 0; /* no descriptor free: at the next look */
    }
    dl_iterate_phdr(visit, &scan);
    raw_close(pipe_ends[0]);
    raw_close(pipe_ends[1]);
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
    describe(&object, info);
    lookup->in_program = contains(&object, lookup->address);
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

int patch_begin(void) {
    page = (uintptr_t)getauxval(AT_PAGESZ);
    for (size_t i = 0; i < lh_hook_count; i++) {
        lh_hooks[i].native = dlsym(RTLD_NEXT, lh_hooks[i].name);
        *lh_hooks[i].real = real_of(lh_hooks[i].name, lh_hooks[i].native);
        if (excluded_count + 3 < MOST_EXCLUDED) {
            exclude(*lh_hooks[i].real);
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
