/* Text that is put together in place, and random ids: what records are made of. */
#include "shim.h"

void put(struct text *out, const char *text) {
    size_t length = strlen(text), room = (size_t)(out->end - out->at);
    if (length < room) {
        memcpy(out->at, text, length + 1);
        out->at += length;
    }
}

void put_number(struct text *out, int64_t number) {
    char digits[24], *at = digits + sizeof digits - 1;
    uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    *at = '\0';
    do {
        *--at = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (number < 0) {
        *--at = '-';
    }
    put(out, at);
}

void put_path(struct text *out, const char *path, size_t length) {
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < length && out->end - out->at > 3; i++) {
        unsigned char byte = (unsigned char)path[i];
        if (byte > 0x20 && byte < 0x7f && byte != '%' && byte != '"' && byte != '\\') {
            *out->at++ = (char)byte;
        } else {
            *out->at++ = '%';
            *out->at++ = hex[byte >> 4];
            *out->at++ = hex[byte & 15];
        }
    }
    *out->at = '\0';
}

static void random_bytes(unsigned char *into, size_t size) {
    if (raw(SYS_getrandom, (long)into, (long)size, 0, 0) == (long)size) {
        return;
    }
    struct timespec now; /* a kernel older than 3.17: unlikely enough for time and process */
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t state = (uint64_t)now.tv_nsec ^ ((uint64_t)raw(SYS_getpid, 0, 0, 0, 0) << 32);
    for (size_t i = 0; i < size; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        into[i] = (unsigned char)(state >> 56);
    }
}

static char *put_hex(char *at, const unsigned char *bytes, size_t size) {
    static const char hex[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        *at++ = hex[bytes[i] >> 4];
        *at++ = hex[bytes[i] & 15];
    }
    *at = '\0';
    return at;
}

char *put_spool_id(char *at) {
    unsigned char bytes[16];
    random_bytes(bytes, sizeof bytes);
    put_hex(at, bytes, sizeof bytes);
    return at;
}

/* RFC 9562, section 5.7: 48 bits of milliseconds, version, random bits, variant. */
char *put_uuid7(char *at) {
    unsigned char bytes[16];
    struct timespec now;
    random_bytes(bytes, sizeof bytes);
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t milliseconds = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    for (int i = 0; i < 6; i++) {
        bytes[i] = (unsigned char)(milliseconds >> (40 - 8 * i));
    }
    bytes[6] = (bytes[6] & 0x0f) | 0x70;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    char *end = at;
    static const int groups[] = {4, 2, 2, 2, 6};
    for (int group = 0, from = 0; group < 5; from += groups[group++]) {
        if (group > 0) {
            *end++ = '-';
        }
        end = put_hex(end, bytes + from, (size_t)groups[group]);
    }
    return at;
}
