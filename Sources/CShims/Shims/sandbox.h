// What the parts of binnacle-pause share.
#ifndef BINNACLE_SANDBOX_H
#define BINNACLE_SANDBOX_H
#include "message.h"
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

// Namespaces of a sandbox by descriptor; -1: the host's.
struct namespaces {
    int net, uts, ipc, pid, mount;
    int host_mount, host_pid;
};

// Writes this process into the cgroup.procs files named `cgroup` in the message. Null, or the path that refused (errno says why).
const char *join_cgroups(const struct message *m);
// Writes a short text to a file of /proc or a cgroup. 0 or -errno.
int write_text(const char *path, const char *text);
int64_t now_nanoseconds(void);

// The body of a container's first process, just forked: never returns. Problems go to `report` as text.
_Noreturn void container_main(const struct message *m, const struct namespaces *ns, int report, int output, int errors);
// The body of a process that runs a command in a container; `mount` is the container's mount namespace or -1.
_Noreturn void execute_main(const struct message *m, const struct namespaces *ns, int mount, int report, int output);
// The sandbox's own process: reaps, and holds namespaces until TERM. Writes one byte to `ready`, or a text.
_Noreturn void pause_main(const struct message *m, int ready);

int supervise_main(const char *directory, char **argv);
int probe_main(const char *directory);

// fork(2) with namespace flags.
static inline pid_t fork_into(unsigned long flags) { return (pid_t)syscall(SYS_clone, flags | 17 /* SIGCHLD */, 0, 0, 0, 0); }
#endif
