#ifndef BINNACLE_SHIMS_H
#define BINNACLE_SHIMS_H
#include <stddef.h>
#include <stdint.h>

// memmem(3), which `import Glibc` does not show.
const void *binnacle_memmem(const void *haystack, size_t haystack_count, const void *needle, size_t needle_count);

#endif
