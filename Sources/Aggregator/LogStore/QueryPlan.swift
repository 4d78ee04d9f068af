import LogQL
import Telemetry

/// Something that holds records: a block in memory or a chunk of a day file.
enum LogPart: Sendable {
    case block(LogBlock)
    case chunk(ChunkCache.Key, DayReader.Chunk)

    /// How messages call it.
    var name: String {
        switch self {
        case .block(let block): "a block of \(block.count) records in memory"
        case .chunk(let key, _): "chunk \(key.chunk) of \(DayFile.name(key.day))"
        }
    }
    var minimumTime: Int64 {
        switch self {
        case .block(let block): block.minimumTime
        case .chunk(_, let chunk): chunk.minimumTime
        }
    }
    var maximumTime: Int64 {
        switch self {
        case .block(let block): block.maximumTime
        case .chunk(_, let chunk): chunk.maximumTime
        }
    }
}

/// A query made ready: which streams, which time, what text.
struct QueryPlan: Sendable {
    /// nil means all.
    var streams: Set<Int>?
    var from: Int64
    var through: Int64
    var minimumSeverity: UInt8
    var matcher: LineMatcher
    /// Only positions strictly between these count; nil is open.
    var after: LogCursor?
    var before: LogCursor?

    /// The records of one source that the plan accepts.
    struct Found: Sendable {
        var columns: LogColumns
        var starts: [Int]
        /// Empty if nothing had to be read yet.
        var text: [UInt8]?
        /// Ascending.
        var rows: [Int]
        /// For each row of `rows` its stream.
        var streams: [Int]
    }

    func overlaps(_ minimum: Int64, _ maximum: Int64) -> Bool { minimum <= through && maximum >= from }

    func overlaps(day: Int) -> Bool {
        let (start, overflow) = Int64(day).multipliedReportingOverflow(by: DayFile.nanosecondsPerDay)
        // The first and the last day that nanoseconds can tell are cut short.
        guard !overflow else { return overlaps(.min, .min + DayFile.nanosecondsPerDay) }
        return overlaps(start, start.addingReportingOverflow(DayFile.nanosecondsPerDay - 1).overflow ? .max : start + DayFile.nanosecondsPerDay - 1)
    }

    private var severityMask: UInt8 { 0x7F << minimumSeverity & 0x7F }

    /// The day's blocks and chunks that may hold something.
    func sources(day: Int, _ entry: LogView.Day, cache: ChunkCache) throws -> [LogPart] {
        var sources: [LogPart] = []
        for block in entry.sealed + entry.head
        where overlaps(block.minimumTime, block.maximumTime) && block.severityMask & severityMask != 0 && streams?.contains(block.stream) ?? true {
            sources.append(.block(block))
        }
        guard entry.newestChunk > 0 else { return sources }
        for chunk in try cache.reader(day).chunks(from: from, through: through, newest: entry.newestChunk)
        where chunk.severityMask & severityMask != 0 && (streams.map { streams in chunk.streams.contains { streams.contains($0) } } ?? true) {
            sources.append(.chunk(ChunkCache.Key(day: day, chunk: chunk.id), chunk))
        }
        return sources
    }

    /// Runs the plan over one source; nil if it has nothing. Reads the text only if a filter asks for it.
    func evaluate(_ source: LogPart, cache: ChunkCache, statistics: inout LogStatistics) throws -> Found? {
        var found: Found
        switch source {
        case .block(let block):
            found = Found(columns: block.columns, starts: block.starts, text: block.text, rows: [], streams: [])
        case .chunk(let key, _):
            statistics.chunks += 1
            if !matcher.probe.isEmpty, try !matcher.probe.allows(cache.reader(key.day).part(.signature, of: key.chunk)) {
                statistics.chunksSkipped += 1
                return nil
            }
            let columns = try cache.columns(key)
            found = Found(columns: columns.columns, starts: columns.starts, text: nil, rows: [], streams: [])
        }
        var candidates = candidates(found.columns)
        guard !candidates.isEmpty else { return nil }
        statistics.lines += candidates.count
        if !matcher.isTrivial {
            let text = try found.text ?? self.text(source, found, cache: cache)
            found.text = text
            statistics.bytes += text.count
            candidates = matcher.rows(of: text, starts: found.starts, lengths: found.columns.lengths, candidates: candidates)
        }
        found.rows = candidates
        found.streams = Self.streams(of: candidates, in: found.columns)
        return candidates.isEmpty ? nil : found
    }

    func text(_ source: LogPart, _ found: Found, cache: ChunkCache) throws -> [UInt8] {
        switch source {
        case .block(let block): block.text
        case .chunk(let key, _): try cache.text(key, expected: found.columns.textBytes)
        }
    }

    /// The rows that pass all but the text.
    private func candidates(_ columns: LogColumns) -> [Int] {
        var rows: [Int] = []
        var start = 0
        for run in columns.runs {
            defer { start += run.count }
            guard streams?.contains(run.stream) ?? true else { continue }
            for row in start..<start + run.count {
                let time = columns.times[row]
                guard time >= from, time <= through, columns.severities[row] >= minimumSeverity else { continue }
                let position = LogCursor(time: time, sequence: columns.sequences[row])
                if let after, position <= after { continue }
                if let before, position >= before { continue }
                rows.append(row)
            }
        }
        return rows
    }

    private static func streams(of rows: [Int], in columns: LogColumns) -> [Int] {
        var streams: [Int] = []
        streams.reserveCapacity(rows.count)
        var run = 0
        var end = columns.runs.first?.count ?? 0
        for row in rows {
            while row >= end {
                run += 1
                end += columns.runs[run].count
            }
            streams.append(columns.runs[run].stream)
        }
        return streams
    }
}
