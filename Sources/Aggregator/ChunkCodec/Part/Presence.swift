/// In which rows of a part a column has a value, a staleness marker, or nothing. Columns of a container that
/// came or went together have the same pattern, so a part keeps each pattern once.
struct Presence: Hashable {
    enum State: UInt8 { case absent = 0, value = 1, stale = 2 }

    /// Prometheus' staleness marker, and our mark for "nothing here" (Telemetry has the same two).
    static let staleBits: UInt64 = 0x7ff0_0000_0000_0002
    static let absentBits: UInt64 = 0x7ff0_0000_0000_0004

    /// Runs of one state: `length << 2 | state`, as varints.
    var runs: [UInt64]

    /// Splits a column into its pattern and its values; nil as a pattern if it has a value in every row.
    static func split(_ column: [Double]) -> (pattern: Presence?, values: [Double]) {
        guard column.contains(where: { $0.bitPattern == staleBits || $0.bitPattern == absentBits }) else { return (nil, column) }
        var runs: [UInt64] = []
        var values: [Double] = []
        for value in column {
            let state: State =
                switch value.bitPattern {
                case staleBits: .stale
                case absentBits: .absent
                default: .value
                }
            if state == .value { values.append(value) }
            if let last = runs.last, last & 3 == UInt64(state.rawValue) {
                runs[runs.count - 1] += 4
            } else {
                runs.append(4 | UInt64(state.rawValue))
            }
        }
        return (Presence(runs: runs), values)
    }

    var valueCount: Int { runs.reduce(0) { $1 & 3 == 1 ? $0 + Int($1 >> 2) : $0 } }
    /// Rows that hold a value or a staleness marker.
    var sampleCount: Int { runs.reduce(0) { $1 & 3 == 0 ? $0 : $0 + Int($1 >> 2) } }

    var hasStale: Bool { runs.contains { $0 & 3 == 2 } }

    /// The times of the rows that hold something.
    func times(_ all: [Int64]) -> ContiguousArray<Int64> {
        var times = ContiguousArray<Int64>()
        times.reserveCapacity(sampleCount)
        var row = 0
        for run in runs {
            let length = Int(run >> 2)
            if run & 3 != 0 { times.append(contentsOf: all[row..<row + length]) }
            row += length
        }
        return times
    }

    /// The samples: the values, and markers where the series ended.
    func withStale(_ values: [Double]) -> ContiguousArray<Double> {
        guard hasStale else { return ContiguousArray(values) }
        var samples = ContiguousArray<Double>()
        samples.reserveCapacity(sampleCount)
        var next = 0
        for run in runs {
            let length = Int(run >> 2)
            switch run & 3 {
            case 1:
                samples.append(contentsOf: values[next..<next + length])
                next += length
            case 2: samples.append(contentsOf: repeatElement(Double(bitPattern: Presence.staleBits), count: length))
            default: break
            }
        }
        return samples
    }

    func write(to bytes: inout [UInt8]) {
        bytes.appendVarint(runs.count)
        for run in runs { bytes.appendVarint(run) }
    }

    init(runs: [UInt64]) { self.runs = runs }

    /// Reads a pattern and checks that it covers exactly `rows`.
    init(from reader: inout ByteReader, rows: Int) throws(ChunkError) {
        runs = []
        var covered: UInt64 = 0
        for _ in 0..<(try reader.count(upTo: rows)) {
            let run = try reader.varint()
            guard run & 3 < 3, run >> 2 <= UInt64(rows) else { throw .malformed("a presence run of \(run)") }
            covered += run >> 2
            runs.append(run)
        }
        guard covered == UInt64(rows) else { throw .malformed("a presence pattern of \(covered) rows in a part of \(rows)") }
    }
}
