import ChunkCodec
import Runtime
import Synchronization
import Telemetry

/// Merges the parts that flushes wrote into few large ones, first by windows of two hours, then by days: tables and
/// first values are then paid once, and the thorough codecs find what they can.
extension Writer {
    /// Columns and samples that are held decoded at one time.
    private static let columnsAtOnce = 128
    private static let samplesAtOnce = 1 << 20
    /// The longest column that a merge of several windows makes: reading one sample costs decoding its column.
    private static let maxRows = 10_000

    /// Merges windows that have ended, or all if `isForced`; finishes days likewise.
    func mergeWhatIsDue(isForced: Bool) async throws {
        // By then the window's last samples have been flushed, unless they were late.
        let interval = shared.configuration.flushInterval.wholeMilliseconds
        let ended = now - 2 * interval - 60_000
        for day in unsealed.keys.sorted() {
            for window in (unsealed[day] ?? []).sorted() where isForced || (window + 1) * Day.windowMilliseconds <= ended {
                // What comes late to a day that is done waits, so that a backfill is merged once and not at each flush.
                if !isForced, day.end <= ended, now - (unfinished[day] ?? 0) < interval { continue }
                try await merge(window...window, of: day)
                unsealed[day]?.remove(window)
            }
            if unsealed[day]?.isEmpty == true { unsealed[day] = nil }
        }
        for (day, changed) in unfinished.sorted(by: { $0.key < $1.key }) where isForced || (day.end <= ended && now - changed >= interval) {
            guard unsealed[day] == nil else { continue }
            try await finish(day, isForced: isForced)
            if day.end <= ended { unfinished[day] = nil }
        }
        for day in holed {
            guard shared.days.withLock({ $0.totals[day] }) != nil else { continue }
            try file(day).vacuum()
            files[day.monthFileName] = nil
        }
        holed = []
    }

    /// Merges a day's windows as far as columns stay short enough, and writes the file without holes.
    private func finish(_ day: Day, isForced: Bool) async throws {
        let parts = try file(day).parts(day).filter { $0.level >= 0 }
        guard !parts.isEmpty else { return }
        // Rows of the longest column of each window; of several windows, spread over them.
        let first = day.start / Day.windowMilliseconds
        var rows = [Int](repeating: 0, count: 12)
        for part in parts {
            let span = Int(part.lastWindow - part.firstWindow) + 1
            for window in part.firstWindow...part.lastWindow {
                let place = Int(window - first)
                guard rows.indices.contains(place) else { continue }
                rows[place] = max(rows[place], part.rows / span)
            }
        }
        for span in [12, 6, 4, 3, 2] {
            let sums = stride(from: 0, to: 12, by: span).map { rows[$0..<$0 + span].reduce(0, +) }
            guard sums.allSatisfy({ $0 <= Writer.maxRows }) else { continue }
            for start in stride(from: 0, to: 12, by: span) {
                let windows = (first + Int64(start))...(first + Int64(start + span - 1))
                let inside = parts.filter { $0.firstWindow <= windows.upperBound && $0.lastWindow >= windows.lowerBound }
                if inside.contains(where: { $0.firstWindow != windows.lowerBound || $0.lastWindow != windows.upperBound }) {
                    try await merge(windows, of: day)
                }
            }
            break
        }
        if shared.makesRollups(day), day.end <= now { try await makeRollups(day) }
        let name = shared.fileName(day)
        if Day.isMonthFile(name) {
            // Once for all days that are finished now.
            if !holed.contains(where: { $0.monthFileName == day.monthFileName }) { holed.insert(day) }
        } else {
            try file(day).vacuum()
            files[name] = nil
        }
    }

    /// Puts all parts of the windows together.
    private func merge(_ wanted: ClosedRange<Int64>, of day: Day) async throws {
        let file = try file(day)
        // A part of several windows takes these with it.
        var windows = wanted
        var parts = try file.parts(day).filter { $0.level >= 0 }
        while true {
            let inside = parts.filter { $0.firstWindow <= windows.upperBound && $0.lastWindow >= windows.lowerBound }
            let wider = inside.reduce(windows) { min($0.lowerBound, $1.firstWindow)...max($0.upperBound, $1.lastWindow) }
            if wider == windows {
                parts = inside
                break
            }
            windows = wider
        }
        guard parts.contains(where: { $0.level == 0 || $0.firstWindow != windows.lowerBound || $0.lastWindow != windows.upperBound }) else { return }
        var readers: [(row: PartRow, reader: PartReader)] = []
        for part in parts {
            if let reader = try readerOrQuarantine(part, file, day) { readers.append((part, reader)) }
        }
        let ids = Set(readers.flatMap(\.reader.ids)).sorted()
        var merged: [EncodedPart] = []
        var start = 0
        while start < ids.count {
            var pieces: [SeriesColumnPiece] = []
            var samples = 0
            while start < ids.count, pieces.count < Writer.columnsAtOnce, samples < Writer.samplesAtOnce {
                var lists: [PartReader.Samples] = []
                for (row, reader) in readers where row.firstSeries <= ids[start] && row.lastSeries >= ids[start] {
                    guard let position = reader.position(of: ids[start]) else { continue }
                    do {
                        lists.append(try reader.samples(at: position))
                    } catch is ChunkError {
                        // Left as it is, and named in answers; its windows are merged another time, without it.
                        try quarantine(row, file, day)
                        return try await merge(wanted, of: day)
                    }
                }
                if let (times, values) = combine(lists) {
                    pieces.append((ids[start], times, values))
                    samples += times.count
                }
                start += 1
            }
            if !pieces.isEmpty { merged.append(encodePart(pieces, windows: windows, level: 1, effort: .thorough)) }
            // What was read of parts whose series are done is not needed any more.
            if start < ids.count { readers.removeAll { $0.row.lastSeries < ids[start] } }
            await Task.yield()
        }
        readers = []
        try file.rewriting {
            for part in parts where part.level >= 0 { try file.remove(part: part.id) }
            for part in merged { try file.insert(part.row, part.part) }
            try interrupt?("inside seal")
        }
        let change = (
            samples: merged.reduce(0) { $0 + $1.row.samples } - parts.reduce(0) { $0 + $1.samples },
            bytes: merged.reduce(0) { $0 + $1.row.bytes } - parts.reduce(0) { $0 + $1.bytes }
        )
        shared.days.withLock { $0.add(day, samples: change.samples, bytes: change.bytes) }
        shared.metrics.seals.increment()
    }

    private func combine(_ lists: [PartReader.Samples]) -> (ContiguousArray<Int64>, ContiguousArray<Double>)? {
        let (times, values, duplicates) = SampleMerger.combine(lists.map { ($0.times, $0.values) })
        if duplicates > 0 { shared.metrics.mergedDuplicates.increment(by: UInt64(duplicates)) }
        return times.isEmpty ? nil : (times, values)
    }

    func readerOrQuarantine(_ part: PartRow, _ file: DayFile, _ day: Day) throws -> PartReader? {
        do {
            return try file.reader(part, finish)
        } catch is ChunkError {
            try quarantine(part, file, day)
            return nil
        }
    }

    /// Marks a damaged part: answers leave it out and say so, merges leave it where it is.
    func quarantine(_ part: PartRow, _ file: DayFile, _ day: Day) throws {
        shared.metrics.corruptParts.increment()
        try file.setLevel(part: part.id, -1)
        shared.days.withLock { $0.add(day, samples: -part.samples, bytes: -part.bytes) }
    }

    /// Marks what readers found.
    func quarantineReported() throws {
        let reported = shared.damaged.withLock { damaged in
            let reported = damaged
            damaged = [:]
            return reported
        }
        for (day, ids) in reported {
            guard shared.days.withLock({ $0.totals[day] }) != nil else { continue }
            let file = try file(day)
            for part in try file.parts(day) where ids.contains(part.id) && part.level >= 0 { try quarantine(part, file, day) }
        }
    }
}
