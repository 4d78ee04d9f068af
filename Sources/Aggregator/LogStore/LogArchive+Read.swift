public import LogQL
import Runtime
import Telemetry

extension LogArchive {
    /// One page of matching lines in exact order of time and arrival. Reads the newest (or oldest) chunks first and stops
    /// when no further chunk can hold a line of the page.
    @concurrent public func read(_ query: LogQuery) async throws -> LogLinePage {
        let streams = catalogue.matching(query.streams)
        return try page(query, plan(query, streams: streams), view.snapshot())
    }

    func plan(_ query: LogQuery, streams: Set<Int>?) -> QueryPlan {
        var plan = QueryPlan(
            streams: streams, from: query.from, through: query.through, minimumSeverity: query.minimumSeverity.rawValue,
            matcher: LineMatcher(query.lines))
        if let cursor = query.cursor {
            switch query.direction {
            case .newest:
                plan.before = cursor
                plan.through = min(plan.through, cursor.time)
            case .oldest:
                plan.after = cursor
                plan.from = max(plan.from, cursor.time)
            }
        }
        return plan
    }

    func page(_ query: LogQuery, _ plan: QueryPlan, _ snapshot: [Int: LogView.Day]) throws -> LogLinePage {
        let isNewest = query.direction == .newest
        // One more than asked for tells whether there is a next page.
        var page = PageBuilder(limit: max(1, query.limit) + 1, isNewest: isNewest, maximumBytes: options.maximumPageBytes)
        var statistics = LogStatistics()
        for day in snapshot.keys.sorted(by: isNewest ? (>) : (<)) {
            guard let entry = snapshot[day], plan.overlaps(day: day)
            else { continue }
            var sources = try sources(plan, day, entry, &statistics)
            sources.sort { isNewest ? $0.maximumTime > $1.maximumTime : $0.minimumTime < $1.minimumTime }
            for source in sources {
                try Task.checkCancellation()
                if page.isFull(before: isNewest ? source.maximumTime : source.minimumTime) { break }
                guard let found = evaluate(plan, source, &statistics) else { continue }
                page.add(found) { text(plan, source, found, &statistics) }
            }
            // Days do not overlap.
            if page.isFull { break }
        }
        var rows = page.rows
        var next: LogCursor?
        if rows.count > page.limit - 1 {
            rows.removeLast(rows.count - (page.limit - 1))
            next = rows.last?.position
        }
        let labels = catalogue.labels(of: Set(rows.map(\.stream)))
        let lines = rows.map { LogLine(position: $0.position, stream: labels[$0.stream] ?? Labels(), severity: $0.severity, body: $0.body) }
        return LogLinePage(lines: lines, next: next, statistics: statistics)
    }

    /// A day's sources; a file that cannot be listed counts as one damaged chunk, and its days are missing from the answer.
    func sources(_ plan: QueryPlan, _ day: Int, _ entry: LogView.Day, _ statistics: inout LogStatistics) throws -> [LogPart] {
        do {
            return try plan.sources(day: day, entry, cache: cache)
        } catch {
            // Retention may have taken the file since the snapshot.
            guard view.snapshot()[day] != nil else { return [] }
            count(damage: error, in: DayFile.name(day), &statistics)
            return try plan.sources(day: day, LogView.Day(head: entry.head, sealed: entry.sealed), cache: cache)
        }
    }

    func evaluate(_ plan: QueryPlan, _ source: LogPart, _ statistics: inout LogStatistics) -> QueryPlan.Found? {
        do {
            return try plan.evaluate(source, cache: cache, statistics: &statistics)
        } catch {
            count(damage: error, in: source.name, &statistics)
            return nil
        }
    }

    func text(_ plan: QueryPlan, _ source: LogPart, _ found: QueryPlan.Found, _ statistics: inout LogStatistics) -> [UInt8]? {
        do {
            return try found.text ?? plan.text(source, found, cache: cache)
        } catch {
            count(damage: error, in: source.name, &statistics)
            return nil
        }
    }

    /// Notes that an answer lacks a part: which, and why.
    func count(damage error: any Error, in part: String, _ statistics: inout LogStatistics) {
        metrics.damagedChunks.increment()
        let text = "\(part): \(error)"
        if !statistics.damaged.contains(text) { statistics.damaged.append(text) }
    }

    /// The lines around a stored line, in the order in which its container wrote them: all its output, whatever the
    /// severity or the stream. Empty if there is no such line (any more).
    @concurrent public func context(of position: LogCursor, before: Int, after: Int) async throws -> [LogLine] {
        let snapshot = view.snapshot()
        var exact = LogQuery(from: position.time, through: position.time, limit: 1, direction: .oldest)
        exact.cursor = LogCursor(time: position.time, sequence: position.sequence - 1)
        guard let hit = try page(exact, plan(exact, streams: nil), snapshot).lines.first, hit.position == position else { return [] }
        let container = hit.stream.filter { $0.name != "stream" }
        let siblings = Set(catalogue.all.filter { $0.labels.filter { $0.name != "stream" } == container }.map(\.number))
        func neighbours(_ direction: LogQuery.Direction, _ limit: Int) throws -> [LogLine] {
            guard limit > 0 else { return [] }
            let query = LogQuery(limit: limit, direction: direction, cursor: position)
            return try page(query, plan(query, streams: siblings), snapshot).lines
        }
        return try neighbours(.newest, before).reversed() + [hit] + neighbours(.oldest, after)
    }
}

/// Keeps the best rows of all sources seen so far, with their text, within a count and a size.
private struct PageBuilder {
    struct Row {
        var position: LogCursor
        var stream: Int
        var severity: LogRecord.Severity
        var body: [UInt8]
    }
    private(set) var limit: Int
    let isNewest: Bool
    let maximumBytes: Int
    private(set) var rows: [Row] = []

    init(limit: Int, isNewest: Bool, maximumBytes: Int) {
        self.limit = limit
        self.isNewest = isNewest
        self.maximumBytes = maximumBytes
    }

    var isFull: Bool { rows.count >= limit }

    /// Whether no record at `time` or beyond can be in the page. Equal times may still win by their sequence.
    func isFull(before time: Int64) -> Bool {
        guard isFull, let last = rows.last else { return false }
        return isNewest ? time < last.position.time : time > last.position.time
    }

    private func precedes(_ left: LogCursor, _ right: LogCursor) -> Bool { isNewest ? left > right : left < right }

    mutating func add(_ found: QueryPlan.Found, text: () -> [UInt8]?) {
        let worst = isFull ? rows.last?.position : nil
        var order = found.rows.indices.map { index in
            let row = found.rows[index]
            return (position: LogCursor(time: found.columns.times[row], sequence: found.columns.sequences[row]), index: index)
        }
        if let worst { order.removeAll { !precedes($0.position, worst) } }
        guard !order.isEmpty, let text = text() else { return }
        order.sort { precedes($0.position, $1.position) }
        for (position, index) in order.prefix(limit) {
            let row = found.rows[index]
            let start = found.starts[row]
            rows.append(
                Row(
                    position: position, stream: found.streams[index],
                    severity: LogRecord.Severity(rawValue: found.columns.severities[row]) ?? .unknown,
                    body: Array(text[start..<start + found.columns.lengths[row]])))
        }
        let isNewest = isNewest
        rows.sort { isNewest ? $0.position > $1.position : $0.position < $1.position }
        if rows.count > limit { rows.removeLast(rows.count - limit) }
        // Too many bytes end the page early; the rest comes with the next one.
        var bytes = rows.reduce(0) { $0 + $1.body.count }
        while bytes > maximumBytes, rows.count > 2 {
            bytes -= rows.removeLast().body.count
            limit = rows.count
        }
    }
}
