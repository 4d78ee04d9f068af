public import LogQL
import Telemetry

extension LogArchive {
    @concurrent public func counts(_ selection: LogSelection) async throws -> LogCounts? {
        guard selection.filters.isEmpty else { return nil }
        guard !selection.range.isEmpty else { return LogCounts(streams: [], entries: [], fieldNames: []) }
        let query = LogQuery(selection)
        let plan = plan(query, streams: catalogue.matching(query.streams))
        let (sums, statistics) = try await minuteSums(plan)
        // A part that cannot be read makes the counts unfit: a scan tells which it is.
        guard statistics.damaged.isEmpty else { return nil }
        let found = sums.entries
        let (numbers, labels) = catalogue.indexed(found.lazy.map(\.key.stream))
        var entries: [LogCounts.Entry] = []
        entries.reserveCapacity(found.count)
        for (index, entry) in found.enumerated() {
            let count = entry.count
            entries.append(
                LogCounts.Entry(
                    stream: numbers[index], minute: entry.key.minute, severity: LogRecord.Severity(rawValue: entry.key.severity) ?? .unknown,
                    lines: count.lines, bytes: count.bytes, linesAtStart: count.linesAtStart, bytesAtStart: count.bytesAtStart))
        }
        return LogCounts(streams: labels, entries: entries, fieldNames: sums.fieldNames)
    }

    /// What a plan without conditions on the text counts, by minute. Text is read only of chunks that cannot tell otherwise: those
    /// with lines of deletions, or with a minute of which the range holds a part.
    func minuteSums(_ plan: QueryPlan) async throws -> (sums: MinuteSums, statistics: LogStatistics) {
        var statistics = LogStatistics()
        var parts: [LogPart] = []
        var streams: Set<Int> = []
        var (from, through) = (Int64.max, Int64.min)
        for (day, entry) in view.snapshot() where plan.overlaps(day: day) {
            for part in try sources(plan, day, entry, &statistics) {
                parts.append(part)
                from = min(from, part.minimumTime)
                through = max(through, part.maximumTime)
                switch part {
                case .block(let block): streams.insert(block.stream)
                case .chunk(_, let chunk): streams.formUnion(chunk.streams)
                }
            }
        }
        if let wanted = plan.streams { streams.formIntersection(wanted) }
        from = floorDivide(max(from, plan.from), MinuteCounts.nanoseconds)
        through = floorDivide(min(through, plan.through), MinuteCounts.nanoseconds)
        let initial = MinuteSums(streams: streams, minutes: from...max(from, through))
        guard !parts.isEmpty else { return (initial, statistics) }
        let (partials, cost) = try await fold(parts, into: { initial }) { sums, part, statistics in self.add(part, plan, to: &sums, &statistics) }
        statistics.add(cost)
        var sums = partials[0]
        for other in partials.dropFirst() { sums.merge(other) }
        return (sums, statistics)
    }

    private func add(_ part: LogPart, _ plan: QueryPlan, to sums: inout MinuteSums, _ statistics: inout LogStatistics) {
        // The minutes of which rows must be asked one by one; nil for all.
        var open: Set<Int64>?
        if case .chunk(let key, let chunk) = part, !plan.hasDeletions(chunk.minimumTime, chunk.maximumTime),
            let minutes = minuteCounts(key, &statistics)
        {
            sums.add(fieldNames: minutes.fieldNames)
            var cut: Set<Int64> = []
            for entry in minutes.entries where entry.key.severity >= plan.minimumSeverity && plan.streams?.contains(entry.key.stream) ?? true {
                switch plan.share(ofMinute: entry.key.minute) {
                case .all: sums.add(entry.key, entry.count)
                case .afterStart: sums.add(entry.key, entry.count.afterStart)
                case .start: sums.add(entry.key, entry.count.atStart)
                case .part: cut.insert(entry.key.minute)
                case .none: continue
                }
                statistics.lines += Int(entry.count.lines)
            }
            guard !cut.isEmpty else { return }
            open = cut
        }
        guard let found = evaluate(plan, part, &statistics), let text = text(plan, part, found, &statistics) else { return }
        if open == nil { sums.add(fieldNames: found.columns.fields.lazy.flatMap { $0.list.map(\.name) }) }
        for (index, row) in found.rows.enumerated() {
            let time = found.columns.times[row]
            let minute = floorDivide(time, MinuteCounts.nanoseconds)
            guard open?.contains(minute) ?? true else { continue }
            var count = MinuteCounts.Count(lines: 1, bytes: Int64(text.ends[row] - text.starts[row]))
            if time == minute &* MinuteCounts.nanoseconds { (count.linesAtStart, count.bytesAtStart) = (count.lines, count.bytes) }
            sums.add(MinuteCounts.Key(stream: found.streams[index], minute: minute, severity: found.columns.severities[row]), count)
        }
    }

    /// nil if they cannot be read; the caller then counts the rows.
    private func minuteCounts(_ key: ChunkCache.Key, _ statistics: inout LogStatistics) -> MinuteCounts? {
        guard let counts = try? minuteCounts(key) else { return nil }
        statistics.chunks += 1
        return counts
    }

    func minuteCounts(_ key: ChunkCache.Key) throws -> MinuteCounts {
        var reader = ByteReader(try cache.reader(key.day).part(.counts, of: key.chunk))
        return try MinuteCounts(bytes: ColumnFrame.read(from: &reader))
    }
}

extension QueryPlan {
    /// What of a minute lies in the plan's time.
    enum MinuteShare { case all, afterStart, start, part, none }

    func share(ofMinute minute: Int64) -> MinuteShare {
        let (start, overflow) = minute.multipliedReportingOverflow(by: MinuteCounts.nanoseconds)
        let (end, overflows) = start.addingReportingOverflow(MinuteCounts.nanoseconds - 1)
        // The first and last minute that nanoseconds can tell.
        guard !overflow, !overflows else { return .part }
        if end < from || start > through { return .none }
        if through == start, from <= start { return .start }
        guard end <= through else { return .part }
        return from <= start ? .all : from == start + 1 ? .afterStart : .part
    }
}
