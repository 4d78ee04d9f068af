#include "shims.h"

#include <errno.h>
#include <string.h>
#include <sys/timex.h>

int binnacle_clock_state(struct binnacle_clock_state *state) {
    struct timex raw;
    memset(&raw, 0, sizeof raw);
    int code = adjtimex(&raw);
    if (code < 0) return -errno;
    *state = (struct binnacle_clock_state){
        .offset = raw.offset, .frequency = raw.freq, .maximum_error = raw.maxerror, .estimated_error = raw.esterror,
        .constant = raw.constant, .tick = raw.tick, .pps_frequency = raw.ppsfreq, .pps_jitter = raw.jitter,
        .pps_shift = raw.shift, .pps_stability = raw.stabil, .pps_jitter_count = raw.jitcnt,
        .pps_calibrations = raw.calcnt, .pps_errors = raw.errcnt, .pps_unstable = raw.stbcnt,
        .status = raw.status, .tai_offset = raw.tai,
    };
    return code;
}
