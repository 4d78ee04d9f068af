import ChunkCodec
import Telemetry

/// A UTC day, by its number since 1970-01-01: one file of the store.
struct Day: Hashable, Comparable, Sendable {
    static let milliseconds: Int64 = 86_400_000
    /// Samples of one span are sealed into one part.
    static let windowMilliseconds: Int64 = 7_200_000

    var number: Int64

    init(number: Int64) { self.number = number }
    init(of time: Int64) { number = time.floorDivided(by: Day.milliseconds) }

    /// Reads the name of a file; nil if it is no day file.
    init?(fileName: String) {
        let parts = fileName.split(separator: "-", omittingEmptySubsequences: false)
        guard fileName.hasPrefix("series-"), fileName.hasSuffix(".db"), parts.count == 4,
            let time = CivilTime.parse("\(parts[1])-\(parts[2])-\(parts[3].dropLast(3))T00:00:00Z")
        else { return nil }
        self.init(of: time.timestamp.milliseconds)
        guard self.fileName == fileName else { return nil }
    }

    /// The first millisecond.
    var start: Int64 { number * Day.milliseconds }
    /// The first millisecond after it.
    var end: Int64 { start + Day.milliseconds }
    var fileName: String { "series-\(CivilTime(Timestamp(milliseconds: start)).rfc3339().prefix(10)).db" }

    static func < (left: Day, right: Day) -> Bool { left.number < right.number }

    /// The day's windows.
    var windows: ClosedRange<Int64> { start / Day.windowMilliseconds...(end - 1) / Day.windowMilliseconds }

    /// The number of the window that holds `time`, counted from 1970.
    static func window(of time: Int64) -> Int64 { time.floorDivided(by: windowMilliseconds) }
}
