/* Rewriting the import slots (global offset table) of one library.
 *
 * A call from one library to another goes through a slot that the dynamic linker fills. We put
 * our wrapper into the slots that hold a function of ours to watch; the function itself is not
 * touched. A slot is only rewritten when it holds exactly the function that we would call, or is
 * not bound yet: whoever else put something there keeps it.
 */
#include "slots.h"

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

static int pipe_ends[2] = {-1, -1};

int slots_begin(void) {
    return raw(SYS_pipe2, (long)pipe_ends, O_CLOEXEC, 0, 0) == 0;
}

void slots_end(void) {
    raw_close(pipe_ends[0]);
    raw_close(pipe_ends[1]);
}

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
    return name[0] == '_' && name[1] == 'Z' ? NULL : hook_named(name);
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

/* ---- the whole library ---- */

static uintptr_t page_size(void) {
    return (uintptr_t)getauxval(AT_PAGESZ);
}

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

void slots_describe(struct object *object, const struct dl_phdr_info *info) {
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
            object->relro = from & ~(page_size() - 1);
            object->relro_end = (from + header->p_memsz) & ~(page_size() - 1);
        } else if (header->p_type == PT_LOAD) {
            object->low = from < object->low ? from : object->low;
            object->high = from + header->p_memsz > object->high ? from + header->p_memsz
                                                                 : object->high;
        }
    }
}

void slots_patch(struct object *object) {
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
