import LogQL
import Telemetry

/// Lines and bytes by stream, severity and step of time, from the source's own counts where they tell it, else by reading.
struct LogVolume: Sendable {
    struct Key: Hashable, Sendable {
        /// Index in `streams`.
        var stream: Int32
        var severity: LogRecord.Severity
        /// Which step, from 0.
        var step: Int64
    }
    struct Amount: Sendable {
        var lines: Int64 = 0
        var bytes: Int64 = 0

        static func += (left: inout Amount, right: Amount) {
            left.lines += right.lines
            left.bytes += right.bytes
        }
    }

    private(set) var streams: [Labels] = []
    private(set) var amounts: [Key: Amount] = [:]
    private(set) var statistics = LogStatistics()
    private var numbers: [Labels: Int32] = [:]

    /// - Parameter step: in nanoseconds, counted from the range's beginning; nil for one step over all.
    static func read(_ selection: LogSelection, step: Int64?, from source: any LogSource) async throws -> LogVolume {
        var volume = LogVolume()
        let minute: Int64 = 60_000_000_000
        let start = selection.range.lowerBound
        // Counts of minutes can be put into steps only where the steps are of whole minutes.
        let fits = step.map { $0 % minute == 0 && start % minute == 0 } ?? true
        if fits, let counts = try await source.counts(selection) {
            let numbers = counts.streams.map { volume.number(of: $0) }
            for entry in counts.entries {
                let key = Key(
                    stream: numbers[Int(entry.stream)], severity: entry.severity, step: step.map { (entry.minute * minute - start) / $0 } ?? 0)
                volume.amounts[key, default: Amount()] += Amount(lines: entry.lines, bytes: entry.bytes)
            }
            return volume
        }
        let (parts, statistics) = try await source.scan(selection) {
            LogVolume()
        } _: { volume, rows in
            try volume.add(rows, start: start, step: step)
        }
        for part in parts { volume.merge(part) }
        volume.statistics = statistics
        return volume
    }

    /// All steps and severities of a stream together, most bytes first.
    var byStream: [(stream: Labels, amount: Amount)] {
        var sums = [Amount](repeating: Amount(), count: streams.count)
        for (key, amount) in amounts { sums[Int(key.stream)] += amount }
        return zip(streams, sums).map { ($0, $1) }.sorted { ($1.amount.bytes, $0.stream) < ($0.amount.bytes, $1.stream) }
    }

    var total: Amount { amounts.values.reduce(into: Amount()) { $0 += $1 } }

    private mutating func number(of stream: Labels) -> Int32 {
        if let number = numbers[stream] { return number }
        let number = Int32(streams.count)
        streams.append(stream)
        numbers[stream] = number
        return number
    }

    private mutating func add(_ rows: LogRows, start: Int64, step: Int64?) throws {
        let text = try rows.text()
        let numbers = rows.streams.map { number(of: $0) }
        for row in 0..<rows.count {
            let key = Key(
                stream: numbers[Int(rows.stream[row])], severity: rows.severities[row], step: step.map { (rows.times[row] - start) / $0 } ?? 0)
            amounts[key, default: Amount()] += Amount(lines: 1, bytes: Int64(text.ends[row] - text.starts[row]))
        }
    }

    private mutating func merge(_ other: LogVolume) {
        let numbers = other.streams.map { number(of: $0) }
        for (key, amount) in other.amounts {
            amounts[Key(stream: numbers[Int(key.stream)], severity: key.severity, step: key.step), default: Amount()] += amount
        }
    }
}
