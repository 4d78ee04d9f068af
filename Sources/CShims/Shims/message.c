#include "message.h"
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *message_next(const struct message *m, const char *key, const char *previous) {
    if (m->count == 0 || m->data[m->count - 1] != 0) return NULL;
    size_t key_count = strlen(key);
    const char *end = m->data + m->count;
    for (const char *at = previous ? previous + strlen(previous) + 1 : m->data; at < end; at += strlen(at) + 1)
        if (strncmp(at, key, key_count) == 0 && at[key_count] == '=') return at + key_count + 1;
    return NULL;
}

const char *message_get(const struct message *m, const char *key) { return message_next(m, key, NULL); }

long long message_number(const struct message *m, const char *key, long long otherwise) {
    const char *value = message_get(m, key);
    return value && *value ? strtoll(value, NULL, 10) : otherwise;
}

int message_read(struct message *m, int directory, const char *path) {
    int file = openat(directory, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0) return -errno;
    struct stat info;
    int code = 0;
    *m = (struct message){0};
    if (fstat(file, &info) != 0 || !S_ISREG(info.st_mode) || info.st_size <= 0 || info.st_size > MESSAGE_LIMIT) code = -EINVAL;
    else if (!(m->data = malloc(info.st_size))) code = -ENOMEM;
    else {
        while (m->count < (size_t)info.st_size) {
            ssize_t got = read(file, m->data + m->count, info.st_size - m->count);
            if (got <= 0) break;
            m->count += got;
        }
        if (m->count == 0 || m->data[m->count - 1] != 0) code = -EINVAL;
    }
    close(file);
    return code;
}

static char *room(struct builder *b, size_t count) {
    if (b->count + count > b->room) {
        size_t larger = (b->room + count) * 2;
        char *data = realloc(b->data, larger);
        // A supervisor that cannot get a few kilobytes cannot do its work: its containers end with it.
        if (!data) abort();
        b->data = data;
        b->room = larger;
    }
    char *at = b->data + b->count;
    b->count += count;
    return at;
}

void put(struct builder *b, const char *key, const char *format, ...) {
    char value[4096];
    va_list arguments;
    va_start(arguments, format);
    int count = vsnprintf(value, sizeof value, format, arguments);
    va_end(arguments);
    if (count < 0) return;
    put_bytes(b, key, value, count < (int)sizeof value ? (size_t)count : sizeof value - 1);
}

void put_bytes(struct builder *b, const char *key, const char *bytes, size_t count) {
    size_t key_count = strlen(key);
    char *at = room(b, key_count + 1 + count + 1);
    memcpy(at, key, key_count);
    at[key_count] = '=';
    if (count) memcpy(at + key_count + 1, bytes, count);
    at[key_count + 1 + count] = 0;
}

int builder_save(const struct builder *b, int directory, const char *path) {
    char temporary[512];
    if (snprintf(temporary, sizeof temporary, "%s.tmp", path) >= (int)sizeof temporary) return -ENAMETOOLONG;
    int file = openat(directory, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0) return -errno;
    ssize_t wrote = write(file, b->data, b->count);
    int code = wrote == (ssize_t)b->count ? 0 : wrote < 0 ? -errno : -ENOSPC;
    close(file);
    if (code == 0 && renameat(directory, temporary, directory, path) != 0) code = -errno;
    return code;
}
