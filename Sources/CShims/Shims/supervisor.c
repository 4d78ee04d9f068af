// A sandbox's supervisor: one small process a pod, in the host's namespaces, that goes on when Binnacle
// dies. It holds the pod's namespaces open, starts containers and commands in them, writes their logs,
// reaps them, and records each exit in a file before it tells anyone, so that no exit is ever lost.
// One thread, one poll(2) loop; every table has a fixed size.
#include "sandbox.h"
#include "shims.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

enum { CLIENTS = 8, CONTAINERS = 64, EXECUTIONS = 32, OUTPUT_LIMIT = 10240, REPORT_LIMIT = 1024 };
enum { DRAIN_MS = 2000, EXECUTION_DRAIN_MS = 200, STOP_MS = 5000 };

struct client {
    int channel; // -1: free
    unsigned serial;
    char *buffer;
    size_t count, room;
};

// Who waits for an answer. A client that went away has another serial.
struct caller {
    unsigned client;
    long long sequence;
};

struct container {
    pid_t pid; // 0: free
    char id[65];
    char *directory, *kill_file, *procs_file;
    int output[2]; // read ends of stdout and stderr; -1 once they ended
    int report;    // tells why the program could not be started; ends when it runs
    struct binnacle_log *log;
    int64_t started, finished, deadline;
    int is_running, has_exited, status, has_namespace;
    int instead_of; // the signal that SIGKILL stood in for
    struct caller caller;
    size_t problem_count;
    char problem[REPORT_LIMIT];
};

struct execution {
    pid_t pid; // 0: free
    int output, report;
    int has_exited, status, timed_out;
    int64_t deadline;
    struct caller caller;
    size_t problem_count, count;
    char problem[REPORT_LIMIT];
    char *collected;
};

static struct client clients[CLIENTS];
static struct container containers[CONTAINERS];
static struct execution executions[EXECUTIONS];
static struct namespaces ns = {-1, -1, -1, -1, -1, -1, -1};
static struct message spec;
static pid_t pause_pid;
static int listener = -1, signals = -1, is_stopping;
static int64_t stop_deadline;
static unsigned next_serial = 1;
static char scratch[64 << 10];

static int64_t now_milliseconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void close_if_open(int *file) {
    if (*file >= 0) close(*file);
    *file = -1;
}

// --- Answers and events. ---

static void drop_client(struct client *c) {
    close_if_open(&c->channel);
    free(c->buffer);
    *c = (struct client){.channel = -1};
}

// A client that does not read is dropped: it will connect again and ask how things stand.
static void send_message(struct client *c, const struct builder *b) {
    unsigned char head[4] = {b->count, b->count >> 8, b->count >> 16, b->count >> 24};
    struct iovec parts[2] = {{head, 4}, {b->data, b->count}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    if (sendmsg(c->channel, &message, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)(4 + b->count)) drop_client(c);
}

static void answer(struct caller to, struct builder *b) {
    put(b, "seq", "%lld", to.sequence);
    for (int i = 0; i < CLIENTS; i++)
        if (clients[i].channel >= 0 && clients[i].serial == to.client) send_message(&clients[i], b);
    free(b->data);
}

static void answer_error(struct caller to, const char *text) {
    struct builder b = {0};
    put(&b, "error", "%s", text);
    answer(to, &b);
}

static void broadcast(struct builder *b) {
    for (int i = 0; i < CLIENTS; i++)
        if (clients[i].channel >= 0) send_message(&clients[i], b);
    free(b->data);
}

// --- Containers. ---

static struct container *find(const char *id) {
    for (int i = 0; id && i < CONTAINERS; i++)
        if (containers[i].pid && strcmp(containers[i].id, id) == 0) return &containers[i];
    return NULL;
}

// Kills all that is in the container's cgroup (by cgroup.kill if there is one), or its process group.
static void kill_all(struct container *c) {
    if (!c->has_exited) kill(c->pid, SIGKILL);
    if (c->kill_file && write_text(c->kill_file, "1") == 0) return;
    if (!c->procs_file) {
        kill(-c->pid, SIGKILL);
        return;
    }
    // A process may fork between our reading and killing: look again until none is left.
    for (int round = 0; round < 100; round++) {
        FILE *list = fopen(c->procs_file, "re");
        int found = 0, pid;
        while (list && fscanf(list, "%d", &pid) == 1)
            if (pid > 1 && kill(pid, SIGKILL) == 0) found++;
        if (list) fclose(list);
        if (found == 0 || round > 50) return;
        nanosleep(&(struct timespec){0, 200000}, NULL);
    }
}

static void free_container(struct container *c) {
    close_if_open(&c->output[0]);
    close_if_open(&c->output[1]);
    close_if_open(&c->report);
    if (c->log) binnacle_log_close(c->log, now_nanoseconds());
    free(c->directory);
    free(c->kill_file);
    free(c->procs_file);
    *c = (struct container){0};
}

static void finish_container(struct container *c) {
    struct builder b = {0};
    int number = WIFSIGNALED(c->status) ? WTERMSIG(c->status) : 0;
    if (number == SIGKILL && c->instead_of) number = c->instead_of;
    put(&b, "id", "%s", c->id);
    put(&b, "pid", "%d", c->pid);
    put(&b, "started", "%lld", (long long)c->started);
    put(&b, "finished", "%lld", (long long)c->finished);
    put(&b, "code", "%d", number ? 128 + number : WEXITSTATUS(c->status));
    put(&b, "signal", "%d", number);
    put(&b, "lost", "%llu", (unsigned long long)binnacle_log_lost(c->log));
    char path[4200];
    snprintf(path, sizeof path, "%s/exit", c->directory);
    // The log first: who sees the exit finds all of the container's output.
    binnacle_log_close(c->log, now_nanoseconds());
    c->log = NULL;
    builder_save(&b, AT_FDCWD, path);
    put(&b, "event", "exit");
    broadcast(&b);
    free_container(c);
}

// Advances a container whose state changed: its start is answered, or its end recorded.
static void settle(struct container *c) {
    if (!c->is_running) {
        if (c->report >= 0) return;
        if (c->problem_count == 0 && !(c->has_exited && WIFEXITED(c->status) && WEXITSTATUS(c->status) == 126)) {
            c->is_running = 1;
            struct builder b = {0};
            put(&b, "pid", "%d", c->pid);
            put(&b, "started", "%lld", (long long)c->started);
            answer(c->caller, &b);
        } else if (c->has_exited) {
            c->problem[c->problem_count] = 0;
            answer_error(c->caller, c->problem_count ? c->problem : "the container's process died before its program started");
            free_container(c);
            return;
        }
    }
    if (!c->has_exited) return;
    if ((c->output[0] < 0 && c->output[1] < 0) || now_milliseconds() >= c->deadline) finish_container(c);
}

static char *copy_of(const char *text) { return text && *text ? strdup(text) : NULL; }

static void fork_container(struct container *c, const struct message *m) {
    int output[2] = {-1, -1}, errors[2] = {-1, -1}, report[2] = {-1, -1};
    const char *pid_kind = message_get(m, "pid-namespace");
    int own = pid_kind && strcmp(pid_kind, "container") == 0, pods = pid_kind && strcmp(pid_kind, "pod") == 0 && ns.pid >= 0;
    if (pipe2(output, O_CLOEXEC) == 0 && pipe2(errors, O_CLOEXEC) == 0 && pipe2(report, O_CLOEXEC) == 0) {
        if (pods) setns(ns.pid, CLONE_NEWPID);
        pid_t pid = fork_into(own ? CLONE_NEWPID : 0);
        int code = errno;
        if (pid == 0) container_main(m, &ns, report[1], output[1], errors[1]);
        if (pods) setns(ns.host_pid, CLONE_NEWPID);
        errno = code;
        c->pid = pid > 0 ? pid : 0;
    }
    int code = errno;
    close_if_open(&output[1]);
    close_if_open(&errors[1]);
    close_if_open(&report[1]);
    c->output[0] = output[0];
    c->output[1] = errors[0];
    c->report = report[0];
    c->has_namespace = own || pods;
    for (int i = 0; i < 2; i++) fcntl(c->output[i], F_SETFL, O_NONBLOCK);
    fcntl(c->report, F_SETFL, O_NONBLOCK);
    errno = code;
}

static void start(struct caller caller, const struct message *m) {
    const char *id = message_get(m, "id"), *directory = message_get(m, "directory"), *log = message_get(m, "log");
    struct container *c = NULL;
    for (int i = 0; i < CONTAINERS && !c; i++)
        if (!containers[i].pid) c = &containers[i];
    if (!id || strlen(id) >= sizeof c->id || !directory || !log) return answer_error(caller, "the start request lacks id, directory or log");
    if (find(id)) return answer_error(caller, "the container was started already");
    if (!c) return answer_error(caller, "the sandbox runs as many containers as it can (64)");
    if (is_stopping || !pause_pid) return answer_error(caller, "the sandbox is not ready");
    *c = (struct container){.output = {-1, -1}, .report = -1, .caller = caller, .started = now_nanoseconds()};
    strcpy(c->id, id);
    char text[512];
    c->log = binnacle_log_open(log, message_number(m, "log-bytes", 10 << 20), (int)message_number(m, "log-files", 5));
    if (!c->log) {
        snprintf(text, sizeof text, "cannot open the log file %s: %m", log);
        answer_error(caller, text);
        return free_container(c);
    }
    c->directory = copy_of(directory);
    c->kill_file = copy_of(message_get(m, "kill-file"));
    c->procs_file = copy_of(message_get(m, "procs-file"));
    fork_container(c, m);
    if (!c->pid) {
        snprintf(text, sizeof text, "cannot fork: %m");
        answer_error(caller, text);
        free_container(c);
    }
}

static void read_report(int *file, char *problem, size_t *count) {
    ssize_t got = read(*file, problem + *count, REPORT_LIMIT - 1 - *count);
    if (got > 0) *count += got;
    else if (got == 0 || errno != EAGAIN) close_if_open(file);
}

static void read_output(struct container *c, int which) {
    ssize_t got = read(c->output[which], scratch, sizeof scratch);
    if (got > 0) binnacle_log_write(c->log, which + 1, scratch, got, now_nanoseconds());
    else if (got == 0 || (errno != EAGAIN && errno != EINTR)) close_if_open(&c->output[which]);
}

// --- Signals. ---

static unsigned long long signal_set(pid_t pid, const char *name) {
    char path[64], line[256];
    unsigned long long set = 0;
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, name, strlen(name)) == 0) set = strtoull(line + strlen(name) + 1, NULL, 16);
    if (file) fclose(file);
    return set;
}

// The kernel keeps from the first process of a PID namespace every signal that it has no handler for, so
// `sleep` would sit out its whole grace period. Such a program gets what the signal does everywhere else:
// it ends. Ignoring it on purpose, blocking it or handling it is respected.
static void send_signal(struct container *c, int number) {
    static const int ending[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGPIPE};
    unsigned long long bit = 1ull << (number - 1);
    int ends = 0;
    for (size_t i = 0; i < sizeof ending / sizeof *ending; i++) ends |= ending[i] == number;
    if (c->has_namespace && ends &&
        !((signal_set(c->pid, "SigCgt") | signal_set(c->pid, "SigIgn") | signal_set(c->pid, "SigBlk")) & bit)) {
        c->instead_of = number;
        number = SIGKILL;
    }
    kill(c->pid, number);
}

static void signal_request(struct caller caller, const struct message *m) {
    struct container *c = find(message_get(m, "id"));
    int number = (int)message_number(m, "number", SIGTERM);
    if (!c) return answer_error(caller, "the container does not run");
    if (number < 1 || number > 64) return answer_error(caller, "no such signal");
    if (message_number(m, "all", 0)) kill_all(c);
    else if (!c->has_exited) send_signal(c, number);
    struct builder b = {0};
    answer(caller, &b);
}

// --- Commands in a container. ---

static void finish_execution(struct execution *e) {
    struct builder b = {0};
    if (e->problem_count) {
        e->problem[e->problem_count] = 0;
        put(&b, "error", "%s", e->problem);
    } else {
        put(&b, "code", "%d", WIFSIGNALED(e->status) ? 128 + WTERMSIG(e->status) : WEXITSTATUS(e->status));
        put(&b, "timed-out", "%d", e->timed_out);
        // Output may hold NULs, so it goes last and as hexadecimal digits.
        char *hex = malloc(2 * e->count + 1);
        for (size_t i = 0; hex && i < e->count; i++) {
            hex[2 * i] = "0123456789abcdef"[(unsigned char)e->collected[i] >> 4];
            hex[2 * i + 1] = "0123456789abcdef"[e->collected[i] & 15];
        }
        put_bytes(&b, "output", hex ? hex : "", hex ? 2 * e->count : 0);
        free(hex);
    }
    answer(e->caller, &b);
    close_if_open(&e->output);
    close_if_open(&e->report);
    free(e->collected);
    *e = (struct execution){0};
}

static int open_namespace(pid_t pid, const char *name) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/ns/%s", pid, name);
    return open(path, O_RDONLY | O_CLOEXEC);
}

static void execute(struct caller caller, const struct message *m) {
    struct container *c = find(message_get(m, "id"));
    struct execution *e = NULL;
    for (int i = 0; i < EXECUTIONS && !e; i++)
        if (!executions[i].pid) e = &executions[i];
    if (!c || !c->is_running || c->has_exited) return answer_error(caller, "the container does not run");
    if (!e) return answer_error(caller, "as many commands as can be (32) run in the sandbox already");
    int output[2] = {-1, -1}, report[2] = {-1, -1};
    *e = (struct execution){.output = -1, .report = -1, .caller = caller, .deadline = now_milliseconds() + message_number(m, "timeout", 1000)};
    const char *root = message_get(m, "root");
    int mount = root && strcmp(root, "host") != 0 ? open_namespace(c->pid, "mnt") : -1;
    int pid_namespace = c->has_namespace ? open_namespace(c->pid, "pid") : -1;
    if (pipe2(output, O_CLOEXEC) == 0 && pipe2(report, O_CLOEXEC) == 0 && (e->collected = malloc(OUTPUT_LIMIT)) &&
        (pid_namespace < 0 || setns(pid_namespace, CLONE_NEWPID) == 0)) {
        pid_t pid = fork_into(0);
        if (pid == 0) execute_main(m, &ns, mount, report[1], output[1]);
        if (pid > 0) e->pid = pid;
        if (pid_namespace >= 0) setns(ns.host_pid, CLONE_NEWPID);
    }
    close_if_open(&mount);
    close_if_open(&pid_namespace);
    close_if_open(&output[1]);
    close_if_open(&report[1]);
    e->output = output[0];
    e->report = report[0];
    fcntl(e->output, F_SETFL, O_NONBLOCK);
    fcntl(e->report, F_SETFL, O_NONBLOCK);
    if (e->pid) return;
    e->problem_count = snprintf(e->problem, sizeof e->problem, "cannot start a command in the container");
    finish_execution(e);
}

static void read_execution(struct execution *e) {
    ssize_t got = read(e->output, scratch, sizeof scratch);
    if (got > 0) {
        size_t take = (size_t)got < OUTPUT_LIMIT - e->count ? (size_t)got : OUTPUT_LIMIT - e->count;
        memcpy(e->collected + e->count, scratch, take);
        e->count += take;
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        close_if_open(&e->output);
    }
}

static void settle_execution(struct execution *e) {
    int64_t now = now_milliseconds();
    if (!e->has_exited && now >= e->deadline && !e->timed_out) {
        e->timed_out = 1;
        kill(-e->pid, SIGKILL);
        kill(e->pid, SIGKILL);
    }
    if (e->has_exited && e->report < 0 && (e->output < 0 || now >= e->deadline)) finish_execution(e);
}

// --- Requests. ---

static void status(struct caller caller) {
    struct builder b = {0};
    put(&b, "pause", "%d", pause_pid);
    for (int i = 0; i < CONTAINERS; i++) {
        if (!containers[i].pid || !containers[i].is_running) continue;
        put(&b, "container", "%s", containers[i].id);
        put(&b, "pid", "%d", containers[i].pid);
        put(&b, "started", "%lld", (long long)containers[i].started);
        put(&b, "lost", "%llu", (unsigned long long)binnacle_log_lost(containers[i].log));
    }
    answer(caller, &b);
}

static void stop(void) {
    if (is_stopping) return;
    is_stopping = 1;
    stop_deadline = now_milliseconds() + STOP_MS;
    for (int i = 0; i < CONTAINERS; i++)
        if (containers[i].pid) kill_all(&containers[i]);
}

static void handle(unsigned client, const struct message *m) {
    struct caller caller = {client, message_number(m, "seq", 0)};
    const char *verb = message_get(m, "do");
    if (!verb) return answer_error(caller, "the request says not what to do");
    if (strcmp(verb, "start") == 0) start(caller, m);
    else if (strcmp(verb, "signal") == 0) signal_request(caller, m);
    else if (strcmp(verb, "execute") == 0) execute(caller, m);
    else if (strcmp(verb, "status") == 0) status(caller);
    else if (strcmp(verb, "stop") == 0) stop();
    else answer_error(caller, "this supervisor does not know the request; it was started by another version of Binnacle");
}

static void accept_client(void) {
    int channel = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (channel < 0) return;
    struct ucred peer;
    socklen_t size = sizeof peer;
    int is_ours = getsockopt(channel, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && (peer.uid == 0 || peer.uid == geteuid());
    for (int i = 0; is_ours && i < CLIENTS; i++)
        if (clients[i].channel < 0) {
            clients[i] = (struct client){.channel = channel, .serial = next_serial++};
            return;
        }
    close(channel);
}

static void read_client(struct client *c) {
    if (c->room - c->count < 16384) {
        char *larger = realloc(c->buffer, c->room * 2 + 16384);
        if (!larger) return drop_client(c);
        c->buffer = larger;
        c->room = c->room * 2 + 16384;
    }
    ssize_t got = read(c->channel, c->buffer + c->count, c->room - c->count);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) return drop_client(c);
    c->count += got;
    unsigned serial = c->serial;
    for (;;) {
        if (c->serial != serial || c->count < 4) break;
        const unsigned char *head = (unsigned char *)c->buffer;
        size_t size = head[0] | head[1] << 8 | head[2] << 16 | (size_t)head[3] << 24;
        if (size > MESSAGE_LIMIT) return drop_client(c);
        if (c->count < 4 + size) return;
        // A copy: an answer may drop this client and free its buffer.
        struct message m = {malloc(size + 1), size};
        if (!m.data) return drop_client(c);
        memcpy(m.data, c->buffer + 4, size);
        c->count -= 4 + size;
        memmove(c->buffer, c->buffer + 4 + size, c->count);
        handle(serial, &m);
        free(m.data);
    }
    // Keep no large buffer while nothing is asked.
    if (c->channel >= 0 && c->serial == serial && c->count == 0) {
        free(c->buffer);
        c->buffer = NULL;
        c->room = 0;
    }
}

static void reap(void) {
    int state;
    for (pid_t pid; (pid = waitpid(-1, &state, WNOHANG)) > 0;) {
        if (pid == pause_pid) {
            pause_pid = 0;
            struct builder b = {0};
            put(&b, "event", "lost");
            broadcast(&b);
            continue;
        }
        for (int i = 0; i < CONTAINERS; i++) {
            struct container *c = &containers[i];
            if (c->pid != pid) continue;
            c->has_exited = 1;
            c->status = state;
            c->finished = now_nanoseconds();
            c->deadline = now_milliseconds() + DRAIN_MS;
            // A container is its first process: what that leaves behind ends with it.
            kill_all(c);
        }
        for (int i = 0; i < EXECUTIONS; i++) {
            if (executions[i].pid != pid) continue;
            executions[i].has_exited = 1;
            executions[i].status = state;
            executions[i].deadline = now_milliseconds() + EXECUTION_DRAIN_MS;
        }
    }
}

// --- The loop. ---

enum source { LISTENER, SIGNALS, CLIENT, OUTPUT, ERRORS, REPORT, EXECUTION_OUTPUT, EXECUTION_REPORT };
enum { SOURCES = 2 + CLIENTS + 3 * CONTAINERS + 2 * EXECUTIONS };
static struct pollfd polled[SOURCES];
static struct {
    enum source source;
    int index;
} origin[SOURCES];
static int polled_count;

static void watch(int file, enum source source, int index) {
    if (file < 0) return;
    origin[polled_count].source = source;
    origin[polled_count].index = index;
    polled[polled_count++] = (struct pollfd){.fd = file, .events = POLLIN};
}

// Gathers what to wait for; returns the milliseconds until the next deadline, -1 for none.
static int gather(void) {
    int64_t next = INT64_MAX, now = now_milliseconds();
    polled_count = 0;
    watch(listener, LISTENER, 0);
    watch(signals, SIGNALS, 0);
    for (int i = 0; i < CLIENTS; i++) watch(clients[i].channel, CLIENT, i);
    for (int i = 0; i < CONTAINERS; i++) {
        if (!containers[i].pid) continue;
        watch(containers[i].output[0], OUTPUT, i);
        watch(containers[i].output[1], ERRORS, i);
        watch(containers[i].report, REPORT, i);
        if (containers[i].has_exited && containers[i].deadline < next) next = containers[i].deadline;
    }
    for (int i = 0; i < EXECUTIONS; i++) {
        if (!executions[i].pid) continue;
        watch(executions[i].output, EXECUTION_OUTPUT, i);
        watch(executions[i].report, EXECUTION_REPORT, i);
        if (executions[i].deadline < next && !(executions[i].timed_out && !executions[i].has_exited)) next = executions[i].deadline;
    }
    if (is_stopping && stop_deadline < next) next = stop_deadline;
    if (next == INT64_MAX) return -1;
    return next <= now ? 0 : (int)(next - now);
}

static void serve(enum source source, int i) {
    struct signalfd_siginfo info;
    switch (source) {
    case LISTENER: accept_client(); break;
    case SIGNALS:
        while (read(signals, &info, sizeof info) == sizeof info)
            if (info.ssi_signo == SIGTERM) stop();
        reap();
        break;
    case CLIENT: if (clients[i].channel >= 0) read_client(&clients[i]); break;
    case OUTPUT: if (containers[i].output[0] >= 0) read_output(&containers[i], 0); break;
    case ERRORS: if (containers[i].output[1] >= 0) read_output(&containers[i], 1); break;
    case REPORT: if (containers[i].report >= 0) read_report(&containers[i].report, containers[i].problem, &containers[i].problem_count); break;
    case EXECUTION_OUTPUT: if (executions[i].output >= 0) read_execution(&executions[i]); break;
    case EXECUTION_REPORT:
        if (executions[i].report >= 0) read_report(&executions[i].report, executions[i].problem, &executions[i].problem_count);
        break;
    }
}

static int any_container(void) {
    for (int i = 0; i < CONTAINERS; i++)
        if (containers[i].pid) return 1;
    return 0;
}

static _Noreturn void loop(void) {
    for (;;) {
        int timeout = gather();
        if (poll(polled, polled_count, timeout) < 0 && errno != EINTR) _exit(1);
        // From the back: output before clients and signals, so that a container's last words are in its log when its end is told.
        for (int i = polled_count - 1; i >= 0; i--)
            if (polled[i].revents) serve(origin[i].source, origin[i].index);
        for (int i = 0; i < CONTAINERS; i++)
            if (containers[i].pid) settle(&containers[i]);
        for (int i = 0; i < EXECUTIONS; i++)
            if (executions[i].pid) settle_execution(&executions[i]);
        if (is_stopping && (!any_container() || now_milliseconds() >= stop_deadline)) break;
    }
    const char *link = message_get(&spec, "link");
    int channel = link ? binnacle_netlink_open() : -1;
    if (channel >= 0) binnacle_link_delete(channel, link);
    if (pause_pid) {
        kill(pause_pid, SIGKILL);
        waitpid(pause_pid, NULL, 0);
    }
    unlink("control.sock");
    _exit(0);
}

// --- Setting up. ---

static int result = -1;

__attribute__((format(printf, 1, 2))) static _Noreturn void give_up(const char *format, ...) {
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    struct builder b = {0};
    put(&b, "error", "%s", text);
    if (write(result, b.data, b.count) < 0) errno = 0;
    if (pause_pid) kill(pause_pid, SIGKILL);
    _exit(1);
}

static void start_pause(char **argv) {
    int ready[2];
    unsigned long flags = 0;
    static const struct {
        const char *key;
        unsigned long flag;
    } kinds[] = {{"net", CLONE_NEWNET}, {"uts", CLONE_NEWUTS}, {"ipc", CLONE_NEWIPC}, {"pid", CLONE_NEWPID}, {"mount", CLONE_NEWNS}};
    for (size_t i = 0; i < 5; i++)
        if (message_number(&spec, kinds[i].key, 0)) flags |= kinds[i].flag;
    if (pipe2(ready, O_CLOEXEC) != 0) give_up("cannot make a pipe: %m");
    pause_pid = fork_into(flags);
    if (pause_pid < 0) give_up("cannot make the pod's namespaces: %m");
    if (pause_pid == 0) {
        // What ps shows. The argument strings lie one after the other.
        size_t room = 0;
        for (char **a = argv; *a; a++) room += strlen(*a) + 1;
        memset(argv[0], 0, room);
        snprintf(argv[0], room, "pause");
        pause_main(&spec, ready[1]);
    }
    close(ready[1]);
    char text[512] = "";
    ssize_t got = read(ready[0], text, sizeof text - 1);
    close(ready[0]);
    if (got != 1 || text[0] != '+') give_up("%s", got > 0 ? text : "the pause process died at once");
    if (flags & CLONE_NEWNET) ns.net = open_namespace(pause_pid, "net");
    if (flags & CLONE_NEWUTS) ns.uts = open_namespace(pause_pid, "uts");
    if (flags & CLONE_NEWIPC) ns.ipc = open_namespace(pause_pid, "ipc");
    if (flags & CLONE_NEWPID) ns.pid = open_namespace(pause_pid, "pid");
    if (flags & CLONE_NEWNS) ns.mount = open_namespace(pause_pid, "mnt");
    ns.host_mount = open_namespace(getpid(), "mnt");
    ns.host_pid = open_namespace(getpid(), "pid");
}

// Gives the pod its loopback and, if the spec names a link, one end of a veth pair as eth0.
static void connect_network(void) {
    if (ns.net < 0) return;
    int host_network = open_namespace(getpid(), "net"), host = binnacle_netlink_open();
    if (host_network < 0 || host < 0 || setns(ns.net, CLONE_NEWNET) != 0) give_up("cannot enter the pod's network namespace: %m");
    // A netlink socket belongs to the namespace in which it was made.
    int inside = binnacle_netlink_open();
    if (setns(host_network, CLONE_NEWNET) != 0) give_up("cannot return to the host's network namespace: %m");
    close(host_network);
    int code = binnacle_link_up(inside, 1, 0), index = 0;
    const char *link = message_get(&spec, "link"), *bridge = message_get(&spec, "bridge");
    if (link && bridge) {
        uint32_t address = (uint32_t)message_number(&spec, "address", 0), gateway = (uint32_t)message_number(&spec, "gateway", 0);
        int mtu = (int)message_number(&spec, "mtu", 0), bridge_index = binnacle_link_index(host, bridge);
        if (bridge_index < 0) give_up("there is no bridge %s: %s", bridge, strerror(-bridge_index));
        code = binnacle_link_add_veth(host, link, "eth0", pause_pid, mtu);
        if (code == 0) code = index = binnacle_link_index(host, link);
        if (code > 0) code = binnacle_link_up(host, index, bridge_index);
        if (code == 0) binnacle_link_hairpin(host, index);
        if (code == 0) code = index = binnacle_link_index(inside, "eth0");
        if (code > 0) code = binnacle_address_add(inside, index, address, (int)message_number(&spec, "prefix", 16));
        if (code == 0) code = binnacle_link_up(inside, index, 0);
        if (code == 0) code = binnacle_route_default(inside, gateway);
    }
    if (code < 0) {
        if (link) binnacle_link_delete(host, link);
        give_up("cannot connect the pod to the network: %s", strerror(-code));
    }
    close(inside);
    close(host);
}

static void listen_for_binnacle(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "control.sock"};
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    unlink("control.sock");
    umask(0077);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 8) != 0)
        give_up("cannot listen for requests: %m");
    for (int i = 0; i < CLIENTS; i++) clients[i].channel = -1;
}

int supervise_main(const char *directory, char **argv) {
    result = 1;
    if (chdir(directory) != 0) give_up("cannot enter %s: %m", directory);
    int code = message_read(&spec, AT_FDCWD, "spec");
    if (code != 0) give_up("cannot read the sandbox's spec in %s: %s", directory, strerror(-code));
    const char *refused = join_cgroups(&spec);
    if (refused) give_up("cannot enter the pod's cgroup by %s: %m", refused);
    // The caller waits for this process; the supervisor goes on as a child of init, in a session of its own.
    pid_t child = fork();
    if (child < 0) give_up("cannot fork: %m");
    if (child > 0) _exit(0);
    setsid();
    prctl(PR_SET_NAME, "sandbox", 0, 0, 0);
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    write_text("/proc/self/oom_score_adj", "-998");
    if (dup3(1, 3, O_CLOEXEC) != 3) return 1;
    result = 3;
    close_range(4, ~0u, 0);
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int i = 0; i < 3; i++) dup2(nothing, i);
    close(nothing);

    start_pause(argv);
    connect_network();
    listen_for_binnacle();
    sigset_t caught;
    sigemptyset(&caught);
    sigaddset(&caught, SIGCHLD);
    sigaddset(&caught, SIGTERM);
    sigprocmask(SIG_BLOCK, &caught, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signals = signalfd(-1, &caught, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals < 0) give_up("cannot wait for signals: %m");

    struct builder b = {0};
    put(&b, "pause", "%d", pause_pid);
    put(&b, "supervisor", "%d", getpid());
    put(&b, "created", "%lld", (long long)now_nanoseconds());
    // Beside the socket, for a Binnacle that dies before it reads the answer.
    builder_save(&b, AT_FDCWD, "ready");
    if (write(result, b.data, b.count) < 0) errno = 0;
    close(result);
    free(b.data);
    loop();
}
