#include <zlib.h>

// Macros that Swift cannot import.
static inline int binnacle_deflateInit(z_stream *stream, int level, int windowBits) {
    return deflateInit2(stream, level, Z_DEFLATED, windowBits, 8, Z_DEFAULT_STRATEGY);
}
static inline int binnacle_inflateInit(z_stream *stream, int windowBits) {
    return inflateInit2(stream, windowBits);
}
