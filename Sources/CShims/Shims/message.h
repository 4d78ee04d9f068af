// The form of everything that Binnacle and a supervisor tell each other, on the socket and in files:
// strings `key=value`, each ended by a NUL. A key may occur often; order is kept. On the socket a
// 32-bit little-endian byte count goes before each message.
#ifndef BINNACLE_MESSAGE_H
#define BINNACLE_MESSAGE_H
#include <stddef.h>
#include <stdint.h>

#define MESSAGE_LIMIT (4u << 20)

struct message {
    char *data;
    size_t count; // data[count - 1] is NUL unless empty
};

// The string after `previous` (null: the first) that begins with `key=`, as its value; null at the end.
const char *message_next(const struct message *m, const char *key, const char *previous);
const char *message_get(const struct message *m, const char *key);
long long message_number(const struct message *m, const char *key, long long otherwise);
// Reads a whole file as a message. 0 or -errno.
int message_read(struct message *m, int directory, const char *path);

struct builder {
    char *data;
    size_t count, room;
};

__attribute__((format(printf, 3, 4))) void put(struct builder *b, const char *key, const char *format, ...);
// Appends bytes as they are and a NUL: for a value that holds no NUL itself.
void put_bytes(struct builder *b, const char *key, const char *bytes, size_t count);
// Writes the message to `path` by a temporary file and a rename. 0 or -errno.
int builder_save(const struct builder *b, int directory, const char *path);
#endif
