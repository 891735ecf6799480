/* The file shim: process state, forks, Python's audit events, and what Python calls.
 *
 * Loaded into a running kernel by jupyter_lineage/probe/shim/__init__.py. See shim.h for the parts
 * and for the rules that bind them.
 */
#include "shim.h"

#include <pthread.h>

#define VERSION "4"

struct process lh_process;
__thread int64_t lh_c __attribute__((tls_model("initial-exec"))) = -1;
EXPORT _Atomic int64_t lh_active;
EXPORT _Atomic int lh_recording;

/* ---- forks ---- */

static void before_fork(void) {
    patch_before_fork();
}

static void after_fork_in_parent(void) {
    patch_after_fork();
}

/* Only this one thread exists here, and nothing is shared with the parent any more. */
static void after_fork_in_child(void) {
    patch_after_fork();
    memcpy(lh_process.parent, lh_process.id, sizeof lh_process.parent);
    put_uuid7(lh_process.id);
    lh_process.pid = (pid_t)raw(SYS_getpid, 0, 0, 0, 0);
    lh_process.forked = 1;
    lh_process.alive[0] = '\0';
    scratch_forget_all();
    repeats_forget();
    spool_forked();
}

/* ---- Python's audit events ---- */

static struct {
    int (*context_get)(void *variable, void *fallback, void **value);
    long long (*as_long_long)(void *number);
    void (*release)(void *object);
    void (*clear_error)(void);
    void *(*this_thread)(void);
    void *(*interpreter)(void);
    void *(*tuple_item)(void *tuple, ptrdiff_t index); /* borrowed */
    const char *(*utf8)(void *text, ptrdiff_t *size);
} python;
static void *main_interpreter;
static void *_Atomic followed; /* a ContextVar that holds the execution's number */

static void follow_context(void) {
    void *variable = atomic_load_explicit(&followed, memory_order_acquire), *value = NULL;
    if (variable == NULL || python.this_thread() == NULL ||
        python.interpreter() != main_interpreter) {
        return;
    }
    if (python.context_get(variable, NULL, &value) != 0) {
        python.clear_error();
    } else if (value != NULL) {
        long long c = python.as_long_long(value);
        python.release(value);
        if (c == -1) {
            python.clear_error();
        } else {
            lh_c = c;
        }
    }
}

/* The program that an event's arguments name, NULL where they don't or not as text. */
static const char *program_of(void *arguments, int position) {
    if (position < 0 || python.this_thread() == NULL) {
        return NULL;
    }
    void *name = python.tuple_item(arguments, position);
    const char *text = name != NULL ? python.utf8(name, NULL) : NULL;
    if (text == NULL) {
        python.clear_error();
    }
    return text;
}

/* Another program begins; forks are none: what they do is seen as ours is. Of subprocess.Popen
 * Python's side sees more, see programs.py. */
static void see_child(const char *event, void *arguments) {
    static const struct {
        const char *event;
        int program; /* which argument */
    } starts[CHILD_KINDS] = {{"os.system", -1},
                             {"os.exec", 0},
                             {"os.posix_spawn", 0},
                             {"os.spawn", 1},
                             {"pty.spawn", -1}};
    for (int kind = 0; kind < CHILD_KINDS; kind++) {
        if (strcmp(event, starts[kind].event) == 0) {
            follow_context();
            note_child(kind, program_of(arguments, starts[kind].program));
        }
    }
}

/* For every audit event of the interpreter, so nearly all must leave at the first comparison. */
EXPORT int lh_audit_hook(const char *event, void *arguments, void *data) {
    (void)data;
    switch (event[0]) {
    case 'o': /* open, os.* */
        if ((event[1] == 's' && event[2] == '.') || strcmp(event, "open") == 0) {
            follow_context();
            see_child(event, arguments);
        }
        break;
    case 'p': /* pty.spawn */
        see_child(event, arguments);
        break;
    case 's':
        if (strcmp(event, "sqlite3.connect") == 0) {
            follow_context();
        }
        break;
    case 'i':
        if (strcmp(event, "import") == 0) {
            follow_context();
            patch_rescan();
        }
        break;
    default: break;
    }
    return 0;
}

/* ---- what Python calls ---- */

EXPORT const char *lh_version(void) {
    return VERSION;
}

static int copy(char *into, size_t room, const char *text) {
    if (strlen(text) >= room) {
        return 0;
    }
    strcpy(into, text);
    return 1;
}

/* Returns 0, or an errno that says why not. Once per process. */
EXPORT int lh_install(const char *folder, const char *process, const char *run, const char *alive) {
    static int begun;
    if (begun) {
        return EALREADY;
    }
    if (!copy(lh_process.id, sizeof lh_process.id, process) ||
        !copy(lh_process.run, sizeof lh_process.run, run) ||
        !copy(lh_process.alive, sizeof lh_process.alive, alive)) {
        return ENAMETOOLONG;
    }
    lh_process.pid = (pid_t)raw(SYS_getpid, 0, 0, 0, 0);
    int error = spool_begin(folder);
    if (error == 0) {
        error = pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
    }
    if (error == 0) {
        begun = 1;
        patch_begin();
        atomic_store(&lh_recording, 1);
    }
    return error;
}

EXPORT void lh_python(void *context_get, void *as_long_long, void *release, void *clear_error,
                      void *this_thread, void *interpreter, void *tuple_item, void *utf8) {
    python.context_get = (int (*)(void *, void *, void **))context_get;
    python.as_long_long = (long long (*)(void *))as_long_long;
    python.release = (void (*)(void *))release;
    python.clear_error = (void (*)(void))clear_error;
    python.this_thread = (void *(*)(void))this_thread;
    python.interpreter = (void *(*)(void))interpreter;
    python.tuple_item = (void *(*)(void *, ptrdiff_t))tuple_item;
    python.utf8 = (const char *(*)(void *, ptrdiff_t *))utf8;
    main_interpreter = python.interpreter();
}

EXPORT void lh_follow(void *variable) {
    atomic_store_explicit(&followed, variable, memory_order_release);
}

EXPORT int64_t *lh_cell_slot(void) {
    return &lh_c;
}

EXPORT void lh_cell_end(int64_t c) {
    (void)c; /* every execution's counts are written: see repeats.c */
    if (in_own_process()) {
        repeats_end();
        patch_rescan(); /* libraries that native code loaded and never looked anything up in */
    }
}

/* Lists are published whole and never freed: a wrapper may be reading the old one. */
EXPORT int lh_set_ignored(const char *packed, size_t size) {
    struct prefixes *list = prefixes_from(packed, size);
    if (list == NULL) {
        return ENOMEM;
    }
    atomic_store_explicit(&ignored_prefixes, list, memory_order_release);
    return 0;
}

EXPORT int lh_set_guard(const char *packed, size_t size) {
    struct prefixes *list = packed != NULL ? prefixes_from(packed, size) : NULL;
    if (packed != NULL && list == NULL) {
        return ENOMEM;
    }
    atomic_store_explicit(&guard_prefixes, list, memory_order_release);
    return 0;
}

EXPORT int lh_rescan(void) {
    return patch_rescan();
}

EXPORT const char *lh_process_id(void) {
    return lh_process.id;
}

EXPORT int64_t lh_lost(void) {
    return spool_lost_total();
}
