import Runtime
import Telemetry

extension LogWriter {
    /// Removes the oldest days while the store is larger than it may be; the newest day stays whatever it takes.
    func keepWithinSize(now: Int64) async throws {
        guard let limit = options.maximumBytes else { return }
        var days = view.snapshot().keys.sorted()
        var sizes = days.map { day in
            ["", "-wal"].reduce(Int64(0)) { $0 + ((try? HostFileSystem().status(options.path(day) + $1).size) ?? 0) }
        }
        while days.count > 1, sizes.reduce(0, +) > limit {
            try await remove(day: days.removeFirst())
            sizes.removeFirst()
        }
    }

    /// Takes out what a rule for some streams keeps for less long than the store keeps the rest. Whole days, once an hour.
    func keepRules(now: Int64) async throws {
        guard !options.rules.isEmpty, now >= rulesKept.addingReportingOverflow(3_600_000_000_000).partialValue || rulesKept == .min else { return }
        rulesKept = now
        for rule in options.rules {
            let through = (Int64(DayFile.day(of: now)) - rule.days) * DayFile.nanosecondsPerDay - 1
            let tombstone = Tombstone(
                id: 0, streams: catalogue.matching(rule.matchers), from: .min, through: through, matcher: LineMatcher([]), bound: .max)
            for day in view.snapshot().keys.sorted() where day < DayFile.day(of: now) - Int(rule.days) { _ = try await drop(tombstone, day: day) }
        }
    }
}
