// Finds what this machine lets us do by doing it once, each in a process of its own: a user id says
// nothing where capabilities were dropped, cgroups are read-only or a filter refuses calls.
#include "sandbox.h"
#include "shims.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

static int unshared(int flag) { return unshare(flag) == 0 ? 0 : errno; }

static int private_mounts(void) {
    if (unshare(CLONE_NEWNS) != 0) return errno;
    return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 ? 0 : errno;
}

static int try_mount(void) { return private_mounts(); }
static int try_pid(void) { return unshared(CLONE_NEWPID); }
static int try_uts(void) { return unshared(CLONE_NEWUTS); }
static int try_ipc(void) { return unshared(CLONE_NEWIPC); }
static int try_net(void) { return unshared(CLONE_NEWNET); }

// In a network namespace of its own: the rights and the kernel's parts are those of the real thing, and nothing is left.
static int try_link(void) {
    int code = unshared(CLONE_NEWNET);
    if (code) return code;
    int channel = binnacle_netlink_open();
    if (channel < 0) return -channel;
    code = binnacle_link_add_bridge(channel, "probe", 0x7f000001, 0);
    if (code == 0) code = binnacle_link_add_veth(channel, "probe0", "probe1", getpid(), 0);
    return -code;
}

static int overlay(int in_memory) {
    int code = private_mounts();
    if (code) return code;
    if (in_memory && mount("tmpfs", "layer", "tmpfs", 0, "mode=755") != 0) return errno;
    mkdir("layer/upper", 0755);
    mkdir("layer/work", 0755);
    if (mount("overlay", "root", "overlay", MS_NODEV, "lowerdir=/,upperdir=layer/upper,workdir=layer/work") != 0) return errno;
    int file = open("root/binnacle-probe", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    return file >= 0 ? 0 : errno;
}
static int try_overlay(void) { return overlay(0); }
static int try_memory_overlay(void) { return overlay(1); }
static int try_bind(void) {
    int code = private_mounts();
    if (code) return code;
    if (mount("/", "root", NULL, MS_BIND, NULL) != 0 || mount(NULL, "root", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) != 0) return errno;
    return chdir("root") == 0 && syscall(SYS_pivot_root, ".", ".") == 0 ? 0 : errno;
}

static const struct {
    const char *name;
    int (*attempt)(void);
} attempts[] = {{"mount", try_mount}, {"pid", try_pid},         {"uts", try_uts},      {"ipc", try_ipc},  {"net", try_net},
                {"link", try_link},   {"overlay", try_overlay}, {"memory-overlay", try_memory_overlay}, {"bind", try_bind}};

// Prints NAME=ERRNO for each attempt, 0 for success. `directory` is empty and on the file system that holds the layers.
int probe_main(const char *directory) {
    if (chdir(directory) != 0) return 1;
    mkdir("root", 0755);
    mkdir("layer", 0755);
    struct builder b = {0};
    for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++) {
        pid_t child = fork();
        if (child == 0) _exit(attempts[i].attempt());
        int state = 0;
        if (child < 0 || waitpid(child, &state, 0) != child || !WIFEXITED(state)) state = EFAULT << 8;
        put(&b, attempts[i].name, "%d", WEXITSTATUS(state));
    }
    return write(1, b.data, b.count) == (ssize_t)b.count ? 0 : 1;
}

int binnacle_sandbox_main(int argc, char **argv) {
    if (argc == 3 && strcmp(argv[1], "supervise") == 0) return supervise_main(argv[2], argv);
    if (argc == 3 && strcmp(argv[1], "probe") == 0) return probe_main(argv[2]);
    fprintf(stderr, "binnacle-pause holds a pod's sandbox and is started by binnacle; it has no use by hand.\n"
                    "usage: binnacle-pause supervise DIRECTORY | probe DIRECTORY\n");
    return 2;
}
