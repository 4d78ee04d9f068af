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
            matcher: LineMatcher(query.lines), tombstones: tombstones.all)
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
                page.add(found) { text(plan, source, found, rows: $0, &statistics) }
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
        let lines = rows.map { LogLine(position: $0.position, stream: labels[$0.stream] ?? Labels(), severity: $0.severity, body: $0.body, fields: $0.fields) }
        return LogLinePage(lines: lines, next: next, statistics: statistics)
    }

    /// A day's sources; a file that cannot be listed counts as one damaged chunk, and its days are missing from the answer.
    func sources(_ plan: QueryPlan, _ day: Int, _ entry: LogView.Day, _ statistics: inout LogStatistics) throws -> [LogPart] {
        do {
            let all = try plan.sources(day: day, entry, cache: cache, statistics: &statistics)
            let sound = all.filter { !$0.isDamaged }
            if sound.count < all.count {
                for part in all where part.isDamaged { count(damage: CodingError("its row in the table of chunks is damaged"), in: part.name, &statistics) }
            }
            return sound
        } catch {
            // Retention may have taken the file since the snapshot.
            guard view.snapshot()[day] != nil else { return [] }
            count(damage: error, in: DayFile.name(day), &statistics)
            return try plan.sources(day: day, LogView.Day(head: entry.head, sealed: entry.sealed), cache: cache, statistics: &statistics)
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

    func text(_ plan: QueryPlan, _ source: LogPart, _ found: QueryPlan.Found, _ statistics: inout LogStatistics) -> LogText? {
        do {
            return try found.text ?? plan.text(source, cache: cache)
        } catch {
            count(damage: error, in: source.name, &statistics)
            return nil
        }
    }

    /// The lines of some rows, in their order.
    func text(_ plan: QueryPlan, _ source: LogPart, _ found: QueryPlan.Found, rows: [Int], _ statistics: inout LogStatistics) -> LogText? {
        do {
            if let text = found.text { return text.picking(rows) }
            switch source {
            case .block(let block): return block.text.picking(rows)
            case .chunk(let key, let chunk): return try cache.text(key, rows: rows, expected: chunk.rawBytes)
            }
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
        var fields: Labels
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

    /// The rows that may be in the page, in order, at most as many as it holds. Cut down now and then, so that a large
    /// chunk is not sorted for a few rows of it.
    private func best(of found: QueryPlan.Found, worst: LogCursor?) -> [(position: LogCursor, index: Int)] {
        var order: [(position: LogCursor, index: Int)] = []
        var worst = worst
        func cut() {
            order.sort { precedes($0.position, $1.position) }
            guard order.count > limit else { return }
            order.removeLast(order.count - limit)
            worst = order.last?.position ?? worst
        }
        func offer(_ index: Int) {
            let row = found.rows[index]
            let position = LogCursor(time: found.columns.times[row], sequence: found.columns.sequences[row])
            if let worst, !precedes(position, worst) { return }
            order.append((position, index))
            if order.count >= 2 * limit + 64 { cut() }
        }
        // Within a stream rows mostly stand in order of time, so that the first ones seen are the best.
        if isNewest { for index in found.rows.indices.reversed() { offer(index) } } else { for index in found.rows.indices { offer(index) } }
        cut()
        return order
    }

    mutating func add(_ found: QueryPlan.Found, text: ([Int]) -> LogText?) {
        let order = best(of: found, worst: isFull ? rows.last?.position : nil)
        guard !order.isEmpty else { return }
        guard let text = text(order.map { found.rows[$0.index] }) else { return }
        for (place, (position, index)) in order.enumerated() {
            let row = found.rows[index]
            rows.append(
                Row(
                    position: position, stream: found.streams[index],
                    severity: LogRecord.Severity(rawValue: found.columns.severities[row]) ?? .unknown,
                    body: Array(text.bytes[text.starts[place]..<text.ends[place]]),
                    fields: found.columns.fields.isEmpty ? Labels() : found.columns.fields[row]))
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
