#ifndef BINNACLE_SHIMS_H
#define BINNACLE_SHIMS_H
#include <stddef.h>
#include <stdint.h>

// Swift reads these; other compilers than Clang do not know them.
#ifdef __clang__
#pragma clang assume_nonnull begin
#else
#define _Nullable
#define _Nonnull
#endif

// memmem(3), which `import Glibc` does not show.
const void *_Nullable binnacle_memmem(const void *haystack, size_t haystack_count, const void *needle, size_t needle_count);

// What adjtimex(2) tells when it is asked to change nothing; units as in its manual page. Swift's Glibc has no timex.
struct binnacle_clock_state {
    int64_t offset, frequency, maximum_error, estimated_error, constant, tick;
    int64_t pps_frequency, pps_jitter, pps_shift, pps_stability;
    int64_t pps_jitter_count, pps_calibrations, pps_errors, pps_unstable;
    int32_t status, tai_offset;
};
// The state of the clock (TIME_OK, ..., TIME_ERROR), or a negative errno.
int binnacle_clock_state(struct binnacle_clock_state *state);

// Everything that the executable binnacle-pause does; see docs/decisions/sandbox.md.
int binnacle_sandbox_main(int argc, char *_Nonnull *_Nonnull argv);

// Connects to the unix socket `name` in the directory; the path never meets the 108-byte limit of
// sun_path. Returns a non-blocking, close-on-exec descriptor or -errno.
int binnacle_connect(const char *directory, const char *name);

// Starts `argv` (a full path first) in a session of its own with standard input and output as given
// (-1: /dev/null). No other descriptor passes. Returns the process id or -errno.
int binnacle_spawn(char *const _Nullable *_Nonnull argv, int input, int output, int errors);

// Starts a detached thread of the given stack size. Returns 0 or an errno.
int binnacle_thread(size_t stack_bytes, void (*body)(void *), void *context);

// Tells the allocator to give large blocks back to the kernel as soon as they are freed, and to keep few arenas: for a
// process that makes a page of a megabyte each second and else needs little.
void binnacle_allocate_thriftily(void);

// Removes a directory and all below it, following no symbolic link and leaving other file systems alone. 0 or -errno.
int binnacle_remove_tree(const char *path);

// Opens a directory below `root` for reading, refusing every symbolic link and mount point on the way (openat2(2); without
// it, before Linux 5.6, only a link at the end is refused). A descriptor or -errno.
int binnacle_open_beneath(int root, const char *path);

// perf_event_open(2): counts `config` of `type` on one CPU for all tasks of a cgroup, given by a descriptor of its
// directory, or for all of the machine's where that is -1. A read gives three 64-bit numbers: the count, and the
// nanoseconds for which it was wanted and for which it ran. The descriptor or -errno.
int binnacle_perf_open(uint32_t type, uint64_t config, int cgroup, int cpu);

// pipe2(2), close-on-exec. 0 or -errno.
int binnacle_pipe(int32_t *ends);

// epoll(7) and eventfd(2), which `import Glibc` does not show. `wait` blocks until at least one
// descriptor can be read (or a signal came) and returns how many it wrote to `ready`.
int binnacle_poller(void);
int binnacle_poller_add(int poller, int descriptor);
int binnacle_poller_wait(int poller, int32_t *ready, int limit);
int binnacle_wakeup(void);
void binnacle_wakeup_raise(int wakeup);
void binnacle_wakeup_clear(int wakeup);

// --- Container logs in CRI's format. -----------------------------------------------------------

// One container's log: frames two streams as `TIME stream F|P text`, cuts lines at 16 KiB, rotates.
struct binnacle_log;
// Opens for appending, mode 0640, never through a symbolic link. Null with errno on failure.
struct binnacle_log *_Nullable binnacle_log_open(const char *path, int64_t rotate_bytes, int file_limit);
// Takes bytes of stream 1 (stdout) or 2 (stderr) written at `nanoseconds` since 1970.
void binnacle_log_write(struct binnacle_log *log, int stream, const char *bytes, size_t count, int64_t nanoseconds);
// Ends both streams: an unfinished line is written as a full one. Frees the log.
void binnacle_log_close(struct binnacle_log *log, int64_t nanoseconds);
// Lines that could not be written (full disk) so far.
uint64_t binnacle_log_lost(const struct binnacle_log *log);

// --- Links, addresses and routes by rtnetlink. All return 0 (or a positive index) or -errno. ------
// IPv4 addresses are in host byte order.

int binnacle_netlink_open(void);
int binnacle_link_index(int socket, const char *name);
int binnacle_link_add_bridge(int socket, const char *name, uint32_t address, int mtu);
// The peer is made as `peer` inside the network namespace of the process.
int binnacle_link_add_veth(int socket, const char *name, const char *peer, int process, int mtu);
int binnacle_link_up(int socket, int index, int bridge);
int binnacle_link_hairpin(int socket, int index);
int binnacle_link_delete(int socket, const char *name);
int binnacle_address_add(int socket, int index, uint32_t address, int prefix);
int binnacle_route_default(int socket, uint32_t gateway);
// Makes (or removes) all addresses of the range addresses of this machine, with `source` as the
// sender of what the machine itself sends there.
int binnacle_route_local(int socket, uint32_t range, int prefix, uint32_t source, int remove);

#ifdef __clang__
#pragma clang assume_nonnull end
#endif
#endif
