#include "shims.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int binnacle_perf_open(uint32_t type, uint64_t config, int cgroup, int cpu) {
    struct perf_event_attr attributes;
    memset(&attributes, 0, sizeof attributes);
    attributes.size = sizeof attributes;
    attributes.type = type;
    attributes.config = config;
    attributes.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
    unsigned long flags = PERF_FLAG_FD_CLOEXEC | (cgroup < 0 ? 0 : PERF_FLAG_PID_CGROUP);
    long descriptor = syscall(SYS_perf_event_open, &attributes, cgroup < 0 ? -1 : cgroup, cpu, -1, flags);
    return descriptor < 0 ? -errno : (int)descriptor;
}
