/* Counting repeated opens, so that a loop over one file is one record and a number.
 *
 * Two fixed tables with open addressing; `generation` says which one is in use (its lowest bit)
 * and which of its entries are live. Ending a cell turns to the other table, whose entries are
 * all of older generations: forgetting costs nothing. Where there is no room for a path any
 * more it just gets a record for each open. A thread that meets the end of a cell in the middle
 * of this may miscount one repeat; the record of a version is never lost.
 */
#include "shim.h"

#define SLOTS 32768 /* a power of two */
#define PROBES 16
#define TEXT_ROOM (4u << 20)
#define GENERATION_MASK 0xffffu

struct entry {
    _Atomic uint64_t key;   /* hash and generation; another generation's entry counts as empty */
    _Atomic uint64_t ready; /* equal to key when the fields below are set */
    _Atomic uint64_t signature;
    _Atomic uint64_t count;
    int64_t c;
    uint32_t offset;
    uint16_t length;
    uint8_t direction;
    uint8_t absolute;
    uint8_t native;
    struct entry *next; /* in the list of entries that were repeated */
};

struct table {
    struct entry slot[SLOTS];
    char text[TEXT_ROOM];
    _Atomic uint32_t text_used;
    _Atomic(struct entry *) repeated;
};

static struct table tables[2];
static _Atomic uint64_t generation = 2;
static _Atomic int ending;

static uint64_t mix(uint64_t hash, uint64_t value) {
    unsigned __int128 wide = (unsigned __int128)(hash ^ value) * 0x9E3779B97F4A7C15u;
    return (uint64_t)wide ^ (uint64_t)(wide >> 64);
}

static uint64_t hash_of(int64_t c, int direction, const char *path, size_t length) {
    uint64_t hash = mix(0x2545F4914F6CDD1Du + (uint64_t)c, length * 4 + (uint64_t)direction);
    for (size_t i = 0; i < length; i += 8) {
        uint64_t word = 0;
        memcpy(&word, path + i, length - i < 8 ? length - i : 8);
        hash = mix(hash + i, word);
    }
    return mix(hash, length);
}

static uint64_t nanoseconds(const struct timespec *time) {
    return (uint64_t)time->tv_sec * 1000000000 + (uint64_t)time->tv_nsec;
}

static uint64_t signature_of(const struct stat *found) {
    uint64_t hash = mix((uint64_t)found->st_dev, (uint64_t)found->st_ino + 1);
    hash = mix(hash, (uint64_t)found->st_size);
    hash = mix(hash, nanoseconds(&found->st_mtim));
    return mix(hash, nanoseconds(&found->st_ctim));
}

static void remember(struct table *table, struct entry *entry, uint64_t key,
                     const struct opened *what) {
    uint32_t length = (uint32_t)what->path->length;
    uint32_t offset = atomic_fetch_add(&table->text_used, length);
    if (offset > TEXT_ROOM - length) {
        atomic_fetch_sub(&table->text_used, length);
        return; /* never ready: a record each time */
    }
    memcpy(table->text + offset, what->path->text, length);
    entry->offset = offset;
    entry->length = (uint16_t)length;
    entry->c = what->c;
    entry->direction = (uint8_t)(what->flags & O_ACCMODE);
    entry->absolute = (uint8_t)what->path->absolute;
    entry->native = (uint8_t)what->native;
    atomic_store(&entry->count, 0);
    atomic_store(&entry->signature, signature_of(what->found));
    atomic_store_explicit(&entry->ready, key, memory_order_release);
}

static int count_again(struct table *table, struct entry *entry, uint64_t key,
                       const struct opened *what) {
    uint64_t signature = signature_of(what->found);
    if (atomic_load_explicit(&entry->ready, memory_order_acquire) != key ||
        entry->length != what->path->length || entry->c != what->c ||
        memcmp(table->text + entry->offset, what->path->text, entry->length) != 0 ||
        atomic_exchange(&entry->signature, signature) != signature) {
        return 0; /* another version of the file, or none of our business */
    }
    if (atomic_fetch_add(&entry->count, 1) == 0) {
        entry->next = atomic_load(&table->repeated);
        while (!atomic_compare_exchange_weak(&table->repeated, &entry->next, entry)) {
        }
    }
    return 1;
}

int repeats_count(const struct opened *what) {
    uint64_t now = atomic_load_explicit(&generation, memory_order_acquire);
    struct table *table = &tables[now & 1];
    uint64_t hash =
        hash_of(what->c, what->flags & O_ACCMODE, what->path->text, what->path->length);
    uint64_t key = (hash & ~(uint64_t)GENERATION_MASK) | (now & GENERATION_MASK);
    for (size_t i = 0; i < PROBES; i++) {
        struct entry *entry = &table->slot[((hash >> 16) + i) & (SLOTS - 1)];
        uint64_t found = atomic_load_explicit(&entry->key, memory_order_acquire);
        if ((found & GENERATION_MASK) != (now & GENERATION_MASK)) {
            if (atomic_compare_exchange_strong(&entry->key, &found, key)) {
                remember(table, entry, key, what);
                return 0;
            }
        }
        if (found == key) {
            return count_again(table, entry, key, what);
        }
    }
    return 0;
}

/* Turns to the other table; returns the one that was in use. */
static struct table *turn(void) {
    uint64_t now = atomic_load(&generation), next = now + 1;
    if ((next & GENERATION_MASK) == 0) { /* the marks come round again: once in 65,536 cells */
        next += 2;
        memset(tables[0].slot, 0, sizeof tables[0].slot);
        memset(tables[1].slot, 0, sizeof tables[1].slot);
    }
    struct table *other = &tables[next & 1];
    atomic_store(&other->text_used, 0);
    atomic_store(&other->repeated, NULL);
    atomic_store_explicit(&generation, next, memory_order_release);
    return &tables[now & 1];
}

static void write_repeat(struct scratch *room, struct table *table, struct entry *entry) {
    struct path path = {
        .text = table->text + entry->offset, .length = entry->length, .absolute = entry->absolute};
    struct fact fact = {.op = "repeat",
                        .path = &path,
                        .flags = entry->direction,
                        .count = atomic_load(&entry->count),
                        .c = entry->c,
                        .native = entry->native};
    spool_file(room, &fact);
}

void repeats_end(void) {
    struct scratch *room = scratch_take();
    if (room == NULL || atomic_exchange(&ending, 1)) {
        if (room != NULL) {
            scratch_give(room);
        }
        return; /* two cells end at once: the other one writes for both */
    }
    struct table *old = turn();
    struct entry *entry = atomic_exchange(&old->repeated, NULL);
    for (; entry != NULL; entry = entry->next) {
        write_repeat(room, old, entry);
    }
    atomic_store(&ending, 0);
    scratch_give(room);
}

void repeats_forget(void) {
    atomic_store(&ending, 0);
    turn();
}
