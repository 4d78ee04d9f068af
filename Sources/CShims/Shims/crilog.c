// Container logs in CRI's format: one `TIME stream TAG text` line for each line of a stream, cut at
// 16 KiB into P(artial) pieces and a last F(ull) one; rotated by size, always between two lines.
#include "shims.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define CHUNK 16384      // text bytes a line, as containerd's max_container_log_line_size
#define HEADER 64        // "2026-01-02T03:04:05.123456789Z stdout F " is 40 bytes
#define BATCH (128 << 10) // bytes gathered for one write(2)

struct pending {
    size_t count;
    char text[CHUNK];
};

struct binnacle_log {
    int file;
    int64_t size, rotate_bytes;
    int file_limit;
    uint64_t lost;
    time_t second;       // of `stamp`
    char stamp[24];      // "2026-01-02T03:04:05."
    struct pending stream[2];
    size_t batched, batched_lines;
    char batch[BATCH];
    char path[];
};

static int open_file(const char *path, int64_t *size) {
    int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0640);
    struct stat info;
    if (file < 0) return -1;
    if (fstat(file, &info) != 0 || !S_ISREG(info.st_mode)) {
        close(file);
        errno = EINVAL;
        return -1;
    }
    *size = info.st_size;
    return file;
}

struct binnacle_log *binnacle_log_open(const char *path, int64_t rotate_bytes, int file_limit) {
    struct binnacle_log *log = calloc(1, sizeof *log + strlen(path) + 1);
    if (!log) return NULL;
    strcpy(log->path, path);
    log->rotate_bytes = rotate_bytes;
    log->file_limit = file_limit;
    log->second = -1;
    log->file = open_file(path, &log->size);
    if (log->file < 0) {
        int code = errno;
        free(log);
        errno = code;
        return NULL;
    }
    return log;
}

// Removes the oldest rotated files, so that with the current one `file_limit` are left.
static void prune(struct binnacle_log *log) {
    char folder[PATH_MAX];
    const char *slash = strrchr(log->path, '/');
    if (!slash || (size_t)(slash - log->path) >= sizeof folder) return;
    memcpy(folder, log->path, slash - log->path);
    folder[slash - log->path] = 0;
    const char *leaf = slash + 1;
    size_t leaf_count = strlen(leaf);
    for (;;) {
        DIR *entries = opendir(folder);
        if (!entries) return;
        int rotated = 0;
        char oldest[NAME_MAX + 1] = "";
        // The suffix is a time of fixed width, so the least name is the oldest file.
        for (struct dirent *entry; (entry = readdir(entries));) {
            if (strncmp(entry->d_name, leaf, leaf_count) != 0 || entry->d_name[leaf_count] != '.') continue;
            rotated++;
            if (!*oldest || strcmp(entry->d_name, oldest) < 0) strcpy(oldest, entry->d_name);
        }
        int removed = rotated > log->file_limit - 1 && rotated > 0 && unlinkat(dirfd(entries), oldest, 0) == 0;
        closedir(entries);
        if (!removed) return;
    }
}

static void rotate(struct binnacle_log *log, int64_t nanoseconds) {
    char name[PATH_MAX];
    time_t second = nanoseconds / 1000000000;
    struct tm t;
    gmtime_r(&second, &t);
    int count = snprintf(name, sizeof name, "%s.%04d%02d%02d-%02d%02d%02d", log->path, t.tm_year + 1900, t.tm_mon + 1, t.tm_mday, t.tm_hour,
                         t.tm_min, t.tm_sec);
    // At most one rotation a second: names must stay unique and sortable.
    if (count >= (int)sizeof name || access(name, F_OK) == 0) return;
    if (rename(log->path, name) != 0 && errno != ENOENT) return;
    int64_t size = 0;
    int file = open_file(log->path, &size);
    // Without a new file the old descriptor goes on: nothing is lost, the file only has a new name.
    if (file < 0) return;
    close(log->file);
    log->file = file;
    log->size = size;
    prune(log);
}

static void flush(struct binnacle_log *log, int64_t nanoseconds) {
    size_t done = 0;
    while (done < log->batched) {
        ssize_t wrote = write(log->file, log->batch + done, log->batched - done);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote <= 0) {
            // A full disk must not stop the program that writes: drop, and count. A torn line is
            // cut away again so that the next one begins at the start of a line.
            if (done > 0 && ftruncate(log->file, log->size) == 0) done = 0;
            log->lost += log->batched_lines;
            break;
        }
        done += wrote;
    }
    log->size += done;
    log->batched = log->batched_lines = 0;
    if (log->rotate_bytes > 0 && log->size >= log->rotate_bytes) rotate(log, nanoseconds);
}

static void put_line(struct binnacle_log *log, int stream, char tag, const char *first, size_t first_count, const char *rest,
                     size_t rest_count, int64_t nanoseconds) {
    // A batch also ends where the file is due for rotation.
    int64_t room = log->rotate_bytes - log->size;
    size_t need = HEADER + first_count + rest_count + 1;
    if (log->batched + need > BATCH || (log->rotate_bytes > 0 && log->batched > 0 && (int64_t)log->batched >= room)) flush(log, nanoseconds);
    time_t second = nanoseconds / 1000000000;
    if (second != log->second) {
        struct tm t;
        gmtime_r(&second, &t);
        snprintf(log->stamp, sizeof log->stamp, "%04d-%02d-%02dT%02d:%02d:%02d.", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday, t.tm_hour,
                 t.tm_min, t.tm_sec);
        log->second = second;
    }
    char *to = log->batch + log->batched;
    memcpy(to, log->stamp, 20);
    int64_t fraction = nanoseconds % 1000000000;
    for (int i = 28; i >= 20; i--, fraction /= 10) to[i] = '0' + fraction % 10;
    memcpy(to + 29, stream == 1 ? "Z stdout " : "Z stderr ", 9);
    to[38] = tag;
    to[39] = ' ';
    to += 40;
    memcpy(to, first, first_count);
    to += first_count;
    memcpy(to, rest, rest_count);
    to += rest_count;
    *to++ = '\n';
    log->batched = to - log->batch;
    log->batched_lines++;
}

void binnacle_log_write(struct binnacle_log *log, int stream, const char *bytes, size_t count, int64_t nanoseconds) {
    struct pending *pending = &log->stream[stream == 2];
    while (count > 0) {
        size_t window = count < CHUNK - pending->count ? count : CHUNK - pending->count;
        // One byte further: a line of exactly CHUNK bytes is full, not partial and then empty.
        size_t look = window < count ? window + 1 : window;
        const char *end = memchr(bytes, '\n', look);
        if (end) {
            size_t part = end - bytes;
            put_line(log, stream, 'F', pending->text, pending->count, bytes, part, nanoseconds);
            pending->count = 0;
            bytes += part + 1;
            count -= part + 1;
        } else if (look > window) {
            put_line(log, stream, 'P', pending->text, pending->count, bytes, window, nanoseconds);
            pending->count = 0;
            bytes += window;
            count -= window;
        } else {
            memcpy(pending->text + pending->count, bytes, window);
            pending->count += window;
            bytes += window;
            count -= window;
        }
    }
    if (log->batched > 0) flush(log, nanoseconds);
}

void binnacle_log_close(struct binnacle_log *log, int64_t nanoseconds) {
    for (int i = 0; i < 2; i++)
        if (log->stream[i].count > 0) put_line(log, i + 1, 'F', log->stream[i].text, log->stream[i].count, "", 0, nanoseconds);
    if (log->batched > 0) flush(log, nanoseconds);
    close(log->file);
    free(log);
}

uint64_t binnacle_log_lost(const struct binnacle_log *log) { return log->lost; }
