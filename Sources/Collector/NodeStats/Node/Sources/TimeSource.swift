import CShims
import Exposition
import Glibc

/// `time`: the node's clock, its zone, and the clock sources of the kernel.
final class TimeSource: NodeSource {
    private static let now = NodeFamily("node_time_seconds", .gauge, "The node's clock, in Unix seconds.")
    private static let zone = NodeFamily("node_time_zone_offset_seconds", .gauge, "Seconds that the node's time zone is ahead of UTC.")
    private static let available = NodeFamily(
        "node_time_clocksource_available_info", .gauge, "Clock sources that the kernel could use; always 1.")
    private static let current = NodeFamily("node_time_clocksource_current_info", .gauge, "The clock source that the kernel uses; always 1.")

    private let tree: SysTree
    private var wait = 0
    private var zoneName = ""
    private var offset: Int64 = 0
    private var sources: [(family: NodeFamily, key: UInt64, labels: [NodeSeries.Label])] = []

    init(tree: SysTree) { self.tree = tree }

    func collect(_ text: inout KernelText, _ series: inout SeriesRecorder, _ sample: inout NodeSample) throws(NodeReadError) {
        var now = timespec()
        guard unsafe clock_gettime(CLOCK_REALTIME, &now) == 0 else { throw NodeReadError(code: errno) }
        if wait == 0 {
            wait = 60
            look(now.tv_sec)
        }
        wait -= 1
        series.add(Self.now, .decimal(UInt64(now.tv_sec) &* 1_000_000_000 &+ UInt64(now.tv_nsec), digits: 9))
        series.add(Self.zone, .integer(offset), key: KernelText.key(of: zoneName)) { [("time_zone", zoneName)] }
        for source in sources { series.add(source.family, .flag(true), key: source.key) { source.labels } }
    }

    private func look(_ now: time_t) {
        var moment = now
        var local = unsafe tm()
        if unsafe (localtime_r(&moment, &local) != nil) {
            offset = unsafe Int64(local.tm_gmtoff)
            // tm_zone is a string of the C library that lives as long as the program.
            if let name = unsafe local.tm_zone { zoneName = unsafe String(cString: name) }
        }
        sources = []
        for directory in tree.list("/sys/devices/system/clocksource") where directory.hasPrefix("clocksource") {
            let device = String(directory.dropFirst("clocksource".count))
            let path = "/sys/devices/system/clocksource/\(directory)"
            for (file, family) in [("available_clocksource", Self.available), ("current_clocksource", Self.current)] {
                for name in (tree.text("\(path)/\(file)") ?? "").split(separator: " ") {
                    sources.append((family, KernelText.key(of: "\(device) \(name)"), [("clocksource", String(name)), ("device", device)]))
                }
            }
        }
    }
}

/// `timex`: how the kernel disciplines its clock, from adjtimex(2).
final class TimexSource: NodeSource {
    private static func gauge(_ name: String, _ help: String) -> NodeFamily { NodeFamily("node_timex_\(name)", .gauge, help) }
    private static func counter(_ name: String, _ help: String) -> NodeFamily { NodeFamily("node_timex_\(name)", .counter, help) }
    private static let offset = gauge("offset_seconds", "Difference between the local clock and the reference clock.")
    private static let frequency = gauge("frequency_adjustment_ratio", "How much faster than its own pace the clock is made to run.")
    private static let maximumError = gauge("maxerror_seconds", "Largest error.")
    private static let estimatedError = gauge("estimated_error_seconds", "Estimated error.")
    private static let status = gauge("status", "The status bits (STA_ in include/uapi/linux/timex.h).")
    private static let isSynchronised = gauge("sync_status", "1 if the clock follows a reference, else 0.")
    private static let constant = gauge("loop_time_constant", "Time constant of the phase-locked loop.")
    private static let tick = gauge("tick_seconds", "Seconds between clock ticks.")
    private static let ppsFrequency = gauge("pps_frequency_hertz", "Frequency of the pulse each second.")
    private static let ppsJitter = gauge("pps_jitter_seconds", "Jitter of the pulse each second.")
    private static let ppsShift = gauge("pps_shift_seconds", "Length of the interval over which pulses are calibrated.")
    private static let ppsStability = gauge("pps_stability_hertz", "Stability of the pulse each second.")
    private static let ppsJitterTotal = counter("pps_jitter_total", "Pulses outside of the allowed jitter.")
    private static let ppsCalibrations = counter("pps_calibration_total", "Intervals over which pulses were calibrated.")
    private static let ppsErrors = counter("pps_error_total", "Calibrations that failed.")
    private static let ppsUnstable = counter("pps_stability_exceeded_total", "Calibrations outside of the allowed stability.")
    private static let taiOffset = gauge("tai_offset_seconds", "Seconds that atomic time is ahead of UTC.")

    /// STA_NANO: the offset is in nanoseconds. TIME_ERROR: no reference is followed.
    private static let nanoseconds: Int32 = 0x2000
    private static let unsynchronised: Int32 = 5

    func collect(_ text: inout KernelText, _ series: inout SeriesRecorder, _ sample: inout NodeSample) throws(NodeReadError) {
        var state = binnacle_clock_state()
        let code = unsafe binnacle_clock_state(&state)
        guard code >= 0 else { throw NodeReadError(code: -code) }
        let digits = state.status & Self.nanoseconds != 0 ? 9 : 6
        // Parts per million with 16 bits behind the point.
        let fine = 65_536.0 * 1e6
        series.add(Self.offset, .decimal(Int64(state.offset), digits: digits))
        series.add(Self.frequency, .double(1 + Double(state.frequency) / fine))
        series.add(Self.maximumError, .decimal(Int64(state.maximum_error), digits: 6))
        series.add(Self.estimatedError, .decimal(Int64(state.estimated_error), digits: 6))
        series.add(Self.status, .integer(Int64(state.status)))
        series.add(Self.isSynchronised, .flag(code != Self.unsynchronised))
        series.add(Self.constant, .integer(Int64(state.constant)))
        series.add(Self.tick, .decimal(Int64(state.tick), digits: 6))
        series.add(Self.ppsFrequency, .double(Double(state.pps_frequency) / fine))
        series.add(Self.ppsJitter, .decimal(Int64(state.pps_jitter), digits: digits))
        series.add(Self.ppsShift, .integer(Int64(state.pps_shift)))
        series.add(Self.ppsStability, .double(Double(state.pps_stability) / fine))
        series.add(Self.ppsJitterTotal, .integer(Int64(state.pps_jitter_count)))
        series.add(Self.ppsCalibrations, .integer(Int64(state.pps_calibrations)))
        series.add(Self.ppsErrors, .integer(Int64(state.pps_errors)))
        series.add(Self.ppsUnstable, .integer(Int64(state.pps_unstable)))
        series.add(Self.taiOffset, .integer(Int64(state.tai_offset)))
    }
}
