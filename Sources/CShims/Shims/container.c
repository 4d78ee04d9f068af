// Builds a container's view of the machine and becomes its program. Everything here runs in a process
// that was just forked, so a failure is reported through a pipe and ends only this process.
#include "sandbox.h"
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>

#ifndef OPEN_TREE_CLONE
#define OPEN_TREE_CLONE 1
#endif

static int report_to;

__attribute__((format(printf, 1, 2))) static _Noreturn void fail(const char *format, ...) {
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    int count = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (count >= (int)sizeof text) count = sizeof text - 1;
    if (write(report_to, text, count) < 0) _exit(126);
    _exit(126);
}

int64_t now_nanoseconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int write_text(const char *path, const char *text) {
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0) return -errno;
    int code = write(file, text, strlen(text)) < 0 ? -errno : 0;
    close(file);
    return code;
}

const char *join_cgroups(const struct message *m) {
    for (const char *path = NULL; (path = message_next(m, "cgroup", path));)
        if (write_text(path, "0") != 0) return path;
    return NULL;
}

static int open_tree_clone(const char *path) { return (int)syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | O_CLOEXEC | AT_RECURSIVE); }

static int attach(int tree, const char *path) {
    return (int)syscall(SYS_move_mount, tree, "", AT_FDCWD, path, 4 /* MOVE_MOUNT_F_EMPTY_PATH */);
}

static void make_read_only(const char *path) {
    struct statvfs info;
    unsigned long keep = 0;
    // A remount replaces all flags: keep those that the mount has.
    if (statvfs(path, &info) == 0) keep = info.f_flag & (MS_NOSUID | MS_NODEV | MS_NOEXEC);
    mount(NULL, path, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | keep, NULL);
}

// mkdir -p of all but the last component, and the last as well if it is to be a directory.
static int make_mount_point(const char *path, int is_directory) {
    char partial[4096];
    size_t count = strlen(path);
    if (count >= sizeof partial) return ENAMETOOLONG;
    struct stat info;
    if (stat(path, &info) == 0) return !!S_ISDIR(info.st_mode) == is_directory ? 0 : is_directory ? ENOTDIR : EISDIR;
    memcpy(partial, path, count + 1);
    for (char *slash = strchr(partial + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        if (mkdir(partial, 0755) != 0 && errno != EEXIST) return errno;
        *slash = '/';
    }
    if (is_directory) return mkdir(path, 0755) == 0 || errno == EEXIST ? 0 : errno;
    // A link to a place that is not in the container (/etc/resolv.conf of systemd) gives way to a plain file.
    if (lstat(path, &info) == 0 && S_ISLNK(info.st_mode)) unlink(path);
    int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (file < 0) return errno;
    close(file);
    return 0;
}

// --- The container's /dev. ---

static const struct {
    const char *name;
    unsigned major, minor;
} nodes[] = {{"null", 1, 3}, {"zero", 1, 5}, {"full", 1, 7}, {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0}};

static void make_devices(int shared_memory) {
    if (mount("tmpfs", "root/dev", "tmpfs", MS_NOSUID | MS_STRICTATIME, "mode=755,size=65536k") != 0) fail("cannot make /dev: %m");
    for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++) {
        char path[64], host[64];
        snprintf(path, sizeof path, "root/dev/%s", nodes[i].name);
        if (mknod(path, S_IFCHR | 0666, makedev(nodes[i].major, nodes[i].minor)) == 0) continue;
        // Without the right to make devices, bind the host's.
        snprintf(host, sizeof host, "/dev/%s", nodes[i].name);
        int file = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0666);
        if (file >= 0) close(file);
        mount(host, path, NULL, MS_BIND, NULL);
    }
    mkdir("root/dev/pts", 0755);
    if (mount("devpts", "root/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,gid=5") == 0)
        symlink("pts/ptmx", "root/dev/ptmx");
    mkdir("root/dev/mqueue", 01777);
    mount("mqueue", "root/dev/mqueue", "mqueue", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
    mkdir("root/dev/shm", 01777);
    if (shared_memory < 0 || attach(shared_memory, "root/dev/shm") != 0)
        mount("shm", "root/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=1777,size=65536k");
    symlink("/proc/self/fd", "root/dev/fd");
    symlink("/proc/self/fd/0", "root/dev/stdin");
    symlink("/proc/self/fd/1", "root/dev/stdout");
    symlink("/proc/self/fd/2", "root/dev/stderr");
}

// --- Masks over what tells about, or changes, the machine (contracts/kubernetes.md 4.10). ---

static const char *const masked[] = {"/proc/asound",     "/proc/acpi",        "/proc/kcore",       "/proc/keys", "/proc/latency_stats",
                                     "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware"};
static const char *const read_only[] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"};

static void hide(const char *path) {
    struct stat info;
    if (lstat(path, &info) != 0 || S_ISLNK(info.st_mode)) return;
    if (S_ISDIR(info.st_mode)) {
        if (mount("tmpfs", path, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=755,size=4k") != 0) fail("cannot hide %s: %m", path);
    } else if (mount("/dev/null", path, NULL, MS_BIND, NULL) != 0) {
        fail("cannot hide %s: %m", path);
    }
}

// --- The root file system. ---

struct bind {
    const char *target;
    int tree, is_directory, is_read_only, is_required;
};

// Opens what is to be mounted while the host's file system is still in view. Entries are three
// strings in this order: source, target, mode (`ro` or `rw`), the keys beginning with `prefix`.
static size_t open_binds(const struct message *m, const char *prefix, int is_required, struct bind *binds, size_t limit) {
    char key[3][32];
    snprintf(key[0], sizeof key[0], "%s-source", prefix);
    snprintf(key[1], sizeof key[1], "%s-target", prefix);
    snprintf(key[2], sizeof key[2], "%s-mode", prefix);
    size_t count = 0;
    for (const char *source = NULL; (source = message_next(m, key[0], source));) {
        const char *target = message_next(m, key[1], source), *mode = message_next(m, key[2], source);
        if (!target || !mode) break;
        struct stat info;
        int tree = open_tree_clone(source);
        if (tree < 0 || fstat(tree, &info) != 0) {
            if (is_required) fail("cannot mount %s on %s: %m", source, target);
            continue;
        }
        if (count == limit) fail("more than %zu mounts", limit);
        binds[count++] = (struct bind){target, tree, S_ISDIR(info.st_mode), strcmp(mode, "ro") == 0, is_required};
    }
    return count;
}

static void attach_binds(const struct bind *binds, size_t count) {
    for (size_t i = 0; i < count; i++) {
        int code = make_mount_point(binds[i].target, binds[i].is_directory);
        if (code == 0 && attach(binds[i].tree, binds[i].target) != 0) code = errno;
        if (code != 0 && binds[i].is_required) fail("cannot mount on %s in the container: %s", binds[i].target, strerror(code));
        if (code == 0 && binds[i].is_read_only) make_read_only(binds[i].target);
        close(binds[i].tree);
    }
}

static void mount_root(const char *kind) {
    if (strcmp(kind, "bind") == 0) {
        if (mount("/", "root", NULL, MS_BIND, NULL) != 0) fail("cannot show the host's file system: %m");
        mount(NULL, "root", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NODEV, NULL);
        // Programs need some place to write.
        static const char *const writable[] = {"root/tmp", "root/var/tmp", "root/run"};
        for (size_t i = 0; i < 3; i++) mount("tmpfs", writable[i], "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777");
        return;
    }
    int in_memory = strcmp(kind, "memory") == 0;
    if (in_memory) {
        if (mount("tmpfs", "layer", "tmpfs", MS_NOSUID, "mode=755") != 0) fail("cannot make a writable layer in memory: %m");
        mkdir("layer/upper", 0755);
        mkdir("layer/work", 0755);
    }
    // Relative names, so no character of the directory's path can break the option string. A container's
    // layer never outlives a crash, so it need not be synced (volatile): unmounting costs nothing.
    // nodev: no device node that a program makes there can be used.
    const char *const options[] = {"lowerdir=/,upperdir=layer/upper,workdir=layer/work,volatile", "lowerdir=/,upperdir=layer/upper,workdir=layer/work"};
    for (int i = 0; i < 2; i++)
        if (mount("overlay", "root", "overlay", MS_NODEV, options[i]) == 0) return;
    fail("cannot lay a writable layer over the host's file system: %m");
}

static void build_root(const struct message *m, const struct namespaces *ns) {
    const char *directory = message_get(m, "directory"), *kind = message_get(m, "root");
    int shared_memory = -1;
    if (ns->mount >= 0 && setns(ns->mount, CLONE_NEWNS) == 0) shared_memory = open_tree_clone("/shm");
    if (ns->mount >= 0 && setns(ns->host_mount, CLONE_NEWNS) != 0) fail("cannot return to the host's mount namespace: %m");
    if (unshare(CLONE_NEWNS) != 0) fail("cannot make a mount namespace: %m");
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) fail("cannot make mounts private: %m");
    if (chdir(directory) != 0) fail("cannot enter %s: %m", directory);
    umask(0);
    mount_root(kind);

    struct bind carried[32], views[16], files[8], binds[128];
    size_t carried_count = open_binds(m, "carry", 0, carried, 32);
    size_t view_count = open_binds(m, "view", 0, views, 16);
    size_t file_count = open_binds(m, "file", 0, files, 8);
    size_t bind_count = open_binds(m, "bind", 1, binds, 128);

    make_devices(shared_memory);
    if (mount("proc", "root/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) != 0) mount("/proc", "root/proc", NULL, MS_BIND | MS_REC, NULL);
    if (mount("sysfs", "root/sys", "sysfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) != 0 &&
        mount("/sys", "root/sys", NULL, MS_BIND, NULL) == 0)
        make_read_only("root/sys");
    if (view_count > 1) mount("tmpfs", "root/sys/fs/cgroup", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=755,size=64k");

    if (chdir("root") != 0 || syscall(SYS_pivot_root, ".", ".") != 0) fail("cannot change the root: %m");
    if (umount2(".", MNT_DETACH) != 0 || chdir("/") != 0) fail("cannot leave the host's root: %m");

    attach_binds(carried, carried_count);
    for (const char *path = NULL; (path = message_next(m, "hide", path));) hide(path);
    attach_binds(views, view_count);
    if (view_count > 1) make_read_only("/sys/fs/cgroup");
    attach_binds(files, file_count);
    attach_binds(binds, bind_count);
    if (message_number(m, "privileged", 0) == 0) {
        for (size_t i = 0; i < sizeof masked / sizeof *masked; i++) hide(masked[i]);
        for (size_t i = 0; i < sizeof read_only / sizeof *read_only; i++)
            if (mount(read_only[i], read_only[i], NULL, MS_BIND | MS_REC, NULL) == 0) make_read_only(read_only[i]);
    }
}

// --- Rights. ---

// The Open Container Initiative's usual set, less CAP_MKNOD: device nodes that a program made would be
// the machine's disks, and not every machine has the devices controller to forbid them.
static const int kept_capabilities[] = {CAP_CHOWN,  CAP_DAC_OVERRIDE, CAP_FSETID,  CAP_FOWNER,          CAP_NET_RAW,    CAP_SETGID,     CAP_SETUID,
                                        CAP_SETFCAP, CAP_SETPCAP,     CAP_NET_BIND_SERVICE, CAP_SYS_CHROOT, CAP_KILL,       CAP_AUDIT_WRITE};

static void restrict_rights(const struct message *m, int has_mounts) {
    const char *user = message_get(m, "user"), *group = message_get(m, "group");
    if (has_mounts && message_number(m, "privileged", 0) == 0) {
        for (int capability = 0; capability <= 63; capability++) {
            int keep = 0;
            for (size_t i = 0; i < sizeof kept_capabilities / sizeof *kept_capabilities; i++) keep |= kept_capabilities[i] == capability;
            if (!keep) prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
        }
        prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    }
    if (user || group) {
        gid_t gid = group ? (gid_t)strtoul(group, NULL, 10) : 0;
        uid_t uid = user ? (uid_t)strtoul(user, NULL, 10) : 0;
        // Its output goes to pipes that it must be able to open again as /dev/stdout.
        if (fchown(1, uid, gid) != 0 || fchown(2, uid, gid) != 0) errno = 0;
        if (geteuid() != uid || getegid() != gid) {
            if (setgroups(0, NULL) != 0 || setresgid(gid, gid, gid) != 0) fail("cannot become group %u: %m", gid);
            if (setresuid(uid, uid, uid) != 0) fail("cannot become user %u: %m", uid);
        }
    } else {
        setgroups(0, NULL);
    }
    if (message_number(m, "no-new-privileges", 0)) prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

// --- The program. ---

static char **list(const struct message *m, const char *key) {
    size_t count = 0;
    for (const char *value = NULL; (value = message_next(m, key, value));) count++;
    char **values = calloc(count + 1, sizeof *values);
    if (!values) fail("no memory");
    count = 0;
    for (const char *value = NULL; (value = message_next(m, key, value));) values[count++] = (char *)value;
    return values;
}

static _Noreturn void run(const struct message *m, int has_mounts, int output, int errors) {
    // /dev/null of the container's own /dev: the descriptor must not show the host.
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (nothing < 0 || dup2(nothing, 0) < 0 || dup2(output, 1) < 0 || dup2(errors, 2) < 0) fail("cannot set up standard input and output: %m");
    umask(022);
    restrict_rights(m, has_mounts);
    const char *directory = message_get(m, "cwd");
    if (chdir(directory ? directory : "/") != 0) fail("cannot enter the working directory %s: %m", directory ? directory : "/");
    // After the change of user, which clears it.
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    struct sigaction standard = {.sa_handler = SIG_DFL};
    for (int number = 1; number < 65; number++) sigaction(number, &standard, NULL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    char **arguments = list(m, "argument");
    environ = list(m, "environment");
    if (!arguments[0]) fail("the command is empty");
    execvp(arguments[0], arguments);
    if (errno == ENOENT && !strchr(arguments[0], '/')) fail("exec: \"%s\": executable file not found in $PATH", arguments[0]);
    fail("exec: \"%s\": %m", arguments[0]);
}

static void enter(const struct namespaces *ns) {
    if (ns->net >= 0 && setns(ns->net, CLONE_NEWNET) != 0) fail("cannot enter the pod's network namespace: %m");
    if (ns->uts >= 0 && setns(ns->uts, CLONE_NEWUTS) != 0) fail("cannot enter the pod's UTS namespace: %m");
    if (ns->ipc >= 0 && setns(ns->ipc, CLONE_NEWIPC) != 0) fail("cannot enter the pod's IPC namespace: %m");
}

static void begin(const struct message *m, int report) {
    report_to = report;
    setsid();
    const char *refused = join_cgroups(m);
    if (refused) fail("cannot enter the cgroup by %s: %m", refused);
    const char *adjustment = message_get(m, "oom-score-adj");
    if (adjustment) write_text("/proc/self/oom_score_adj", adjustment);
}

_Noreturn void container_main(const struct message *m, const struct namespaces *ns, int report, int output, int errors) {
    begin(m, report);
    enter(ns);
    const char *root = message_get(m, "root");
    int has_mounts = root && strcmp(root, "host") != 0;
    if (has_mounts) build_root(m, ns);
    run(m, has_mounts, output, errors);
}

_Noreturn void execute_main(const struct message *m, const struct namespaces *ns, int mount, int report, int output) {
    begin(m, report);
    enter(ns);
    if (mount >= 0 && setns(mount, CLONE_NEWNS) != 0) fail("cannot enter the container's mount namespace: %m");
    run(m, mount >= 0, output, output);
}

_Noreturn void pause_main(const struct message *m, int ready) {
    report_to = ready;
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    prctl(PR_SET_NAME, "pause", 0, 0, 0);
    sigset_t signals;
    sigfillset(&signals);
    sigprocmask(SIG_SETMASK, &signals, NULL);
    const char *hostname = message_get(m, "hostname");
    if (message_number(m, "uts", 0) && hostname && sethostname(hostname, strlen(hostname)) != 0) fail("cannot set the host name %s: %m", hostname);
    if (message_number(m, "mount", 0)) {
        // A root of its own that holds the pod's shared memory and nothing of the host, so that no
        // file system of the host stays busy because of a pod.
        if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 || mount("tmpfs", ".", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=16k") != 0)
            fail("cannot make the sandbox's root: %m");
        const char *directory = message_get(m, "directory");
        if (!directory || chdir(directory) != 0) fail("cannot enter the sandbox's root: %m");
        umask(0);
        if (mkdir("shm", 01777) != 0 || mount("shm", "shm", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=1777,size=65536k") != 0)
            fail("cannot make the pod's shared memory: %m");
        if (syscall(SYS_pivot_root, ".", ".") != 0 || umount2(".", MNT_DETACH) != 0 || chdir("/") != 0) fail("cannot change the sandbox's root: %m");
    }
    if (write(ready, "+", 1) != 1) _exit(1);
    close(ready);
    for (;;) {
        int number = sigwaitinfo(&signals, NULL);
        if (number == SIGTERM || number == SIGINT) _exit(0);
        if (number == SIGCHLD)
            while (waitpid(-1, NULL, WNOHANG) > 0) {}
    }
}
