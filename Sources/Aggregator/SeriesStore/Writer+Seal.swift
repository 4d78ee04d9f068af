import ChunkCodec
import Runtime
import Synchronization
import Telemetry

/// Merges the parts that flushes wrote for a window into one: each column's tables and first values are then paid once in two hours.
extension Writer {
    /// Samples that one call may rewrite, so that appends do not wait long.
    private static let samplesPerTurn = 2_000_000
    /// Values that are held decoded at one time.
    private static let valuesAtOnce = 4 << 20

    /// Flushes what is due, seals windows that have ended, and removes what is past the retention. Call it every few seconds.
    func maintain() throws {
        try checkOpen()
        flushWhatIsDue()
        try seal()
        let today = Day(of: now)
        if lastRetention != today {
            try applyRetention(now: now)
            lastRetention = today
        }
    }

    private func seal() throws {
        // By then the window's last samples have been flushed, unless they were late.
        let ended = now - 2 * shared.configuration.flushInterval.wholeMilliseconds - 60_000
        var budget = Writer.samplesPerTurn
        for day in unsealed.keys.sorted() {
            for window in unsealed[day]!.sorted(by: { ($0.number, $0.source) < ($1.number, $1.source) })
            where (window.number + 1) * Day.windowMilliseconds <= ended {
                guard budget > 0 else { return }
                budget -= try seal(window, in: day)
                unsealed[day]!.remove(window)
            }
            guard unsealed[day]!.isEmpty else { continue }
            unsealed[day] = nil
            if day.end <= ended {
                try file(day).finish()
                files[day] = nil
            }
        }
    }

    /// Returns how many samples were rewritten.
    private func seal(_ window: Window, in day: Day) throws -> Int {
        let file = try file(day)
        let parts = try file.parts(source: window.source, window: window.number)
        guard parts.contains(where: { $0.level == 0 }) else { return 0 }
        let isDisjoint = zip(parts, parts.dropFirst()).allSatisfy { $0.lastSeries < $1.firstSeries && $0.firstTime == $1.firstTime && $0.rows == $1.rows }
        if isDisjoint {
            try file.transaction { for part in parts { try file.seal(part: part.id) } }
            return 0
        }
        var readers: [PartReader] = []
        for part in parts {
            do {
                guard let body = try file.body(part: part.id) else { continue }
                readers.append(try PartReader(body, finish: finish))
            } catch is ChunkError {
                // Left as it is, beside its window's other parts: queries skip it and say so.
                shared.metrics.corruptParts.increment()
                return 0
            }
        }
        let times = Set(readers.flatMap(\.times)).sorted()
        let ids = Set(readers.flatMap(\.ids)).sorted()
        let rows = readers.map { reader in rowNumbers(reader.times, in: times) }
        let size = max(1, min(shared.configuration.maxColumnsPerPart, Writer.valuesAtOnce / max(1, times.count)))
        var merged: [(row: PartRow, body: [UInt8])] = []
        for start in stride(from: 0, to: ids.count, by: size) {
            let columns = try ids[start..<min(start + size, ids.count)].map { id in
                Part.Column(id: id, values: try mergedColumn(id, readers, rows, count: times.count))
            }
            merged += encodeParts(times: times, columns: columns, source: window.source, window: window.number, level: 1, columnsPerPart: size)
        }
        try file.transaction {
            for part in parts { try file.remove(part: part.id) }
            for part in merged { try file.insert(part.row, body: part.body) }
            try interrupt?("inside seal")
        }
        let samples = merged.reduce(0) { $0 + $1.row.samples }
        let change = (
            samples: samples - parts.reduce(0) { $0 + $1.samples }, bytes: merged.reduce(0) { $0 + $1.body.count } - parts.reduce(0) { $0 + $1.bytes }
        )
        shared.days.withLock { $0.add(day, samples: change.samples, bytes: change.bytes) }
        shared.metrics.seals.increment()
        return samples
    }

    private func mergedColumn(_ id: UInt64, _ readers: [PartReader], _ rows: [[Int]], count: Int) throws -> [Double] {
        var column = [Double](repeating: .absent, count: count)
        for (number, reader) in readers.enumerated() {
            guard let position = reader.position(of: id) else { continue }
            for (value, row) in zip(try reader.values(at: position), rows[number]) where !value.isAbsent && column[row].isAbsent { column[row] = value }
        }
        return column
    }

    /// Where each of `times` is in `all`; both ascend.
    private func rowNumbers(_ times: [Int64], in all: [Int64]) -> [Int] {
        var row = 0
        return times.map { time in
            while all[row] < time { row += 1 }
            return row
        }
    }
}
