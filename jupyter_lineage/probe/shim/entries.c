/* The ways in that must leave no trace on the stack: syscall() and dlsym().
 *
 * syscall() may be a clone, and dlsym() with RTLD_NEXT or RTLD_DEFAULT means "as seen from the
 * caller". So both begin in assembly and jump on to the real one unless there is something to do.
 */
#include "shim.h"

long (*lh_real_syscall)(long, ...);
void *(*lh_real_dlsym)(void *, const char *);

struct hook *hook_named(const char *name) {
    const struct hooks *const all[] = {&lh_opens, &lh_calls};
    for (size_t part = 0; part < sizeof all / sizeof *all; part++) {
        for (size_t i = 0; i < all[part]->count; i++) {
            struct hook *hook = &all[part]->at[i];
            if (hook->name[0] == name[0] && strcmp(hook->name, name) == 0) {
                return *hook->real != NULL ? hook : NULL;
            }
        }
    }
    return NULL;
}

static void *wrapper_of(const char *name, const void *found) {
    const struct hook *hook = hook_named(name);
    return hook != NULL && (found == NULL || found == *hook->real || found == hook->native)
               ? hook->wrapper
               : NULL;
}

/* For RTLD_DEFAULT: NULL sends lh_dlsym on to the real one, which looks at who called. */
void *lh_dlsym_default(const char *name) {
    return wrapper_of(name, NULL);
}

/* For a library's own handle. Whoever opens a library looks something up in it before using it
 * (Python: PyInit_...), so this is the moment to find it. */
void *lh_dlsym_handle(void *handle, const char *name) {
    void *found = lh_real_dlsym(handle, name);
    if (found == NULL) {
        return NULL;
    }
    int kept = errno;
    patch_loaded(handle);
    errno = kept;
    void *wrapper = wrapper_of(name, found);
    return wrapper != NULL ? wrapper : found;
}

#ifdef __x86_64__
__asm__(".text\n"
        ".hidden lh_syscall\n.globl lh_syscall\n.type lh_syscall,@function\n"
        "lh_syscall:\n"
        "  cmpq $511, %rdi\n  ja 1f\n"
        "  leaq lh_interesting(%rip), %rax\n  cmpb $0, (%rax,%rdi)\n  je 1f\n"
        "  jmp lh_syscall_seen\n"
        "1: movq lh_real_syscall(%rip), %rax\n  jmp *%rax\n"
        ".size lh_syscall,.-lh_syscall\n"
        ".hidden lh_dlsym\n.globl lh_dlsym\n.type lh_dlsym,@function\n"
        "lh_dlsym:\n  .cfi_startproc\n"
        "  cmpq $-1, %rdi\n  je 2f\n  testq %rdi, %rdi\n  je 1f\n  jmp lh_dlsym_handle\n"
        "1: pushq %rsi\n  .cfi_adjust_cfa_offset 8\n  movq %rsi, %rdi\n  call lh_dlsym_default\n"
        "  popq %rsi\n  .cfi_adjust_cfa_offset -8\n  testq %rax, %rax\n  jne 3f\n"
        "  xorl %edi, %edi\n"
        "2: movq lh_real_dlsym(%rip), %rax\n  jmp *%rax\n"
        "3: ret\n  .cfi_endproc\n"
        ".size lh_dlsym,.-lh_dlsym\n");
#else
__asm__(".text\n"
        ".hidden lh_syscall\n.globl lh_syscall\n.type lh_syscall,%function\n"
        "lh_syscall:\n"
        "  cmp x0, #511\n  b.hi 1f\n"
        "  adrp x16, lh_interesting\n  add x16, x16, :lo12:lh_interesting\n"
        "  ldrb w17, [x16, x0]\n  cbz w17, 1f\n  b lh_syscall_seen\n"
        "1: adrp x16, lh_real_syscall\n  ldr x16, [x16, :lo12:lh_real_syscall]\n  br x16\n"
        ".size lh_syscall,.-lh_syscall\n"
        ".hidden lh_dlsym\n.globl lh_dlsym\n.type lh_dlsym,%function\n"
        "lh_dlsym:\n  .cfi_startproc\n"
        "  cmn x0, #1\n  b.eq 2f\n  cbz x0, 1f\n  b lh_dlsym_handle\n"
        "1: stp x29, x30, [sp, #-32]!\n  .cfi_adjust_cfa_offset 32\n  .cfi_rel_offset x29, 0\n"
        "  .cfi_rel_offset x30, 8\n  mov x29, sp\n  str x1, [sp, #16]\n  mov x0, x1\n"
        "  bl lh_dlsym_default\n  ldr x1, [sp, #16]\n  ldp x29, x30, [sp], #32\n"
        "  .cfi_adjust_cfa_offset -32\n  .cfi_restore x29\n  .cfi_restore x30\n"
        "  cbnz x0, 3f\n"
        "2: adrp x16, lh_real_dlsym\n  ldr x16, [x16, :lo12:lh_real_dlsym]\n  br x16\n"
        "3: ret\n  .cfi_endproc\n"
        ".size lh_dlsym,.-lh_dlsym\n");
#endif
