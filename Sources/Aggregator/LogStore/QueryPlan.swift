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
    /// Whether nothing is known of it but that it is there.
    var isDamaged: Bool { if case .chunk(_, let chunk) = self { chunk.isDamaged } else { false } }
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
    /// Deletions whose lines may still be there.
    var tombstones: [Tombstone] = []

    /// The records of one source that the plan accepts.
    struct Found: Sendable {
        var columns: LogColumns
        /// nil if nothing had to be read yet.
        var text: LogText?
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

    /// The day's blocks and chunks that may hold something. Of the chunks whose signatures stand side by side only those that
    /// may hold the text.
    func sources(day: Int, _ entry: LogView.Day, cache: ChunkCache, statistics: inout LogStatistics) throws -> [LogPart] {
        var sources: [LogPart] = []
        for block in entry.sealed + entry.head
        where overlaps(block.minimumTime, block.maximumTime) && block.severityMask & severityMask != 0 && streams?.contains(block.stream) ?? true {
            sources.append(.block(block))
        }
        guard entry.newestChunk > 0 else { return sources }
        let reader = try cache.reader(day)
        let answers = try answers(reader)
        for var chunk in try reader.chunks(from: from, through: through, newest: entry.newestChunk)
        where chunk.isDamaged
            || chunk.count > 0 && chunk.severityMask & severityMask != 0 && (streams.map { streams in chunk.streams.contains { streams.contains($0) } } ?? true)
        {
            if let isCandidate = answers[chunk.id] {
                guard isCandidate else {
                    statistics.chunks += 1
                    statistics.chunksSkipped += 1
                    continue
                }
                chunk.isProbed = true
            }
            sources.append(.chunk(ChunkCache.Key(day: day, chunk: chunk.id), chunk))
        }
        return sources
    }

    /// What the groups of signatures say of their chunks: whether each may hold the text.
    private func answers(_ reader: DayReader) throws -> [Int64: Bool] {
        guard !matcher.probe.isEmpty else { return [:] }
        var answers: [Int64: Bool] = [:]
        for group in try reader.groups() {
            let mask = try group.candidates(matcher.probe) { try reader.slice($0, of: group.id) }
            for (place, member) in group.members.enumerated() { answers[member] = mask[place] }
        }
        return answers
    }

    /// Runs the plan over one source; nil if it has nothing. Reads the text only if a filter asks for it.
    func evaluate(_ source: LogPart, cache: ChunkCache, statistics: inout LogStatistics) throws -> Found? {
        var found: Found
        var known: [UInt8]?
        switch source {
        case .block(let block):
            found = Found(columns: block.columns, text: block.text, rows: [], streams: [])
        case .chunk(let key, let chunk):
            statistics.chunks += 1
            if !matcher.probe.isEmpty, !chunk.isProbed, try !matcher.probe.allows(cache.reader(key.day).part(.signature, of: key.chunk)) {
                statistics.chunksSkipped += 1
                return nil
            }
            // Most chunks that are looked into hold nothing, and then their columns are not asked for.
            if let driver = matcher.driver, !cache.hasText(key), !cache.hasColumns(key) {
                let opened = try cache.opened(key)
                let search = ColumnSearch(driver.needle, isFolded: driver.isFolded, loader: opened.loader, count: chunk.count) {
                    () throws(CodingError) in try cache.times(key)
                }
                guard let verdicts = try search.verdicts(opened.node) else {
                    statistics.lines += chunk.count
                    statistics.bytes += chunk.rawBytes
                    return nil
                }
                known = verdicts
            }
            found = Found(columns: try cache.columns(key), text: nil, rows: [], streams: [])
        }
        var candidates = candidates(found.columns, source.minimumTime...max(source.minimumTime, source.maximumTime))
        guard !candidates.isEmpty else { return nil }
        statistics.lines += candidates.count
        if case .chunk(let key, let chunk) = source, let driver = matcher.driver, !cache.hasText(key) {
            statistics.bytes += chunk.rawBytes
            candidates = try search(driver, key, chunk, candidates, known, found.columns.times, cache)
        } else if !matcher.isTrivial {
            let text = try found.text ?? self.text(source, cache: cache)
            found.text = text
            statistics.bytes += text.bytes.count
            candidates = matcher.rows(of: text, candidates: candidates)
        }
        candidates = try withoutDeleted(candidates, source, &found, cache: cache)
        found.rows = candidates
        found.streams = Self.streams(of: candidates, in: found.columns)
        return candidates.isEmpty ? nil : found
    }

    /// Asks the columns first, and of the lines only those that the columns leave open.
    private func search(
        _ driver: LineMatcher.Driver, _ key: ChunkCache.Key, _ chunk: DayReader.Chunk, _ candidates: [Int], _ known: [UInt8]?, _ times: [Int64],
        _ cache: ChunkCache
    ) throws -> [Int] {
        let verdicts: [UInt8]
        if let known {
            verdicts = known
        } else {
            let opened = try cache.opened(key)
            let search = ColumnSearch(driver.needle, isFolded: driver.isFolded, loader: opened.loader, count: times.count) {
                () throws(CodingError) in times
            }
            guard let found = try search.verdicts(opened.node) else { return [] }
            verdicts = found
        }
        guard verdicts.count == times.count else { throw CodingError("its text has \(verdicts.count) rows, not \(times.count)") }
        var sure: [Int] = []
        var open: [Int] = []
        for row in candidates {
            switch verdicts[row] {
            case ColumnSearch.Verdict.no: break
            case ColumnSearch.Verdict.yes where matcher.isDriverAll: sure.append(row)
            default: open.append(row)
            }
        }
        guard !open.isEmpty else { return sure }
        let text = try cache.text(key, rows: open, expected: chunk.rawBytes)
        let passed = matcher.rows(of: text, candidates: Array(open.indices)).map { open[$0] }
        return sure.isEmpty ? passed : (sure + passed).sorted()
    }

    /// Whether a deletion may concern rows of this time, so that counts kept beside the text are not to be trusted.
    func hasDeletions(_ minimum: Int64, _ maximum: Int64) -> Bool { tombstones.contains { $0.overlaps(minimum, maximum) } }

    private func withoutDeleted(_ rows: [Int], _ source: LogPart, _ found: inout Found, cache: ChunkCache) throws -> [Int] {
        var rows = rows
        for tombstone in tombstones where tombstone.overlaps(source.minimumTime, source.maximumTime) && !rows.isEmpty {
            let streams = Self.streams(of: rows, in: found.columns)
            let places = Dictionary(uniqueKeysWithValues: zip(rows, streams))
            var doomed = tombstone.suspects(rows, found.columns) { places[$0] ?? 0 }
            guard !doomed.isEmpty else { continue }
            if !tombstone.matcher.isTrivial {
                let text = try found.text ?? self.text(source, cache: cache)
                found.text = text
                doomed = tombstone.matcher.rows(of: text, candidates: doomed)
            }
            let gone = Set(doomed)
            rows.removeAll { gone.contains($0) }
        }
        return rows
    }

    func text(_ source: LogPart, cache: ChunkCache) throws -> LogText {
        switch source {
        case .block(let block): block.text
        case .chunk(let key, let chunk): try cache.text(key, expected: chunk.rawBytes)
        }
    }

    /// The rows that pass all but the text.
    /// - Parameter span: the first and the last time of all rows.
    private func candidates(_ columns: LogColumns, _ span: ClosedRange<Int64>) -> [Int] {
        if streams == nil, minimumSeverity == 0, after == nil, before == nil, from <= span.lowerBound, through >= span.upperBound {
            return Array(0..<columns.count)
        }
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

    static func streams(of rows: [Int], in columns: LogColumns) -> [Int] {
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
