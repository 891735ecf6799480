/* One loaded library, as slots.c and patch.c speak of it. */
#ifndef LINEAGE_SLOTS_H
#define LINEAGE_SLOTS_H

#include "shim.h"

#include <elf.h>
#include <link.h>

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

/* Between the two calls slots may be rewritten; 0 from the first: no descriptor is free. */
int slots_begin(void);
void slots_end(void);

void slots_describe(struct object *object, const struct dl_phdr_info *info);
void slots_patch(struct object *object); /* what it did is in `patched` and `incomplete` */

static inline int slots_contain(const struct object *object, ElfW(Addr) at) {
    return at >= object->low && at < object->high;
}

#endif
