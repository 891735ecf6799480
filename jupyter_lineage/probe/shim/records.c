/* Records: what is written of a fact, as docs/reference/spool.md has it, and what was lost. */
#include "shim.h"

static _Atomic int64_t lost_unsaid; /* since the last `gap` record */
static _Atomic int64_t lost_in_all;
static _Atomic int lost_error;

void put_start(struct text *out, int64_t sequence, const char *type) {
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

void put_text(struct text *out, const char *key, const char *value) {
    put(out, ",\"");
    put(out, key);
    put(out, value[0] ? "\":\"" : "\":null");
    if (value[0]) {
        put(out, value);
        put(out, "\"");
    }
}

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

static void say_what_was_lost(int fd, struct spool *spool) {
    char buffer[512];
    struct text out = {buffer, buffer + sizeof buffer};
    int64_t count = atomic_exchange(&lost_unsaid, 0);
    if (count == 0) {
        return;
    }
    put_start(&out, spool_next(spool), "gap");
    put(&out, ",\"reason\":\"file records could not be written\",\"count\":");
    put_number(&out, count);
    put(&out, ",\"detail\":\"errno ");
    put_number(&out, atomic_load(&lost_error));
    put(&out, "\"}\n");
    if (spool_write(fd, buffer, (size_t)(out.at - buffer)) != 0) {
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

/* Writes what was begun, and gives the spool back. */
static void write_record(struct scratch *room, struct text *out, int fd, struct spool *spool) {
    int error = spool_write(fd, room->out, (size_t)(out->at - room->out));
    if (error) {
        spool_lost(error);
    } else if (atomic_load_explicit(&lost_unsaid, memory_order_relaxed) != 0) {
        say_what_was_lost(fd, spool);
    }
    spool_give(spool);
}

/* Put a record's first keys; returns the spool's descriptor, negative when the record is lost. */
static int begin_record(struct spool **spool, struct text *out, const char *type) {
    int fd = spool_take(spool);
    if (fd < 0) {
        spool_lost(-fd);
        return fd;
    }
    put_start(out, spool_next(*spool), type);
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

void spool_child(struct scratch *room, int64_t c, const char *program) {
    struct spool *spool;
    struct text out = {room->out, room->out + sizeof room->out};
    int fd = begin_record(&spool, &out, "child");
    if (fd < 0)
        return;
    put(&out, ",\"c\":");
    put_number(&out, c);
    if (program != NULL) {
        put_text(&out, "program", program);
    }
    put(&out, "}\n");
    write_record(room, &out, fd, spool);
}

void records_forked(void) {
    atomic_store(&lost_unsaid, 0); /* the parent says it */
    atomic_store(&lost_in_all, 0);
}
