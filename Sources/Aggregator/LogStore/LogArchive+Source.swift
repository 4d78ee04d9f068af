public import LogQL
import Synchronization
public import Telemetry

extension LogArchive: LogSource {
    /// Threads that one scan may use.
    private static let scanThreads = 2

    @concurrent public func page(
        _ selection: LogSelection, direction: LogDirection, after cursor: LogCursor?, limit: Int
    ) async throws -> LogPage {
        guard !selection.range.isEmpty else { return LogPage(rows: LogRows([]), next: nil, statistics: LogStatistics()) }
        var query = LogQuery(selection)
        query.direction = direction == .forward ? .oldest : .newest
        query.cursor = cursor
        query.limit = limit
        let page = try await read(query)
        return LogPage(rows: LogRows(page.lines), next: page.next, statistics: page.statistics)
    }

    @concurrent public func scan<Partial: Sendable>(
        _ selection: LogSelection, into initial: @escaping @Sendable () -> Partial,
        _ fold: @escaping @Sendable (inout Partial, LogRows) throws -> Void
    ) async throws -> (partials: [Partial], statistics: LogStatistics) {
        guard !selection.range.isEmpty else { return ([], LogStatistics()) }
        let query = LogQuery(selection)
        let plan = plan(query, streams: catalogue.matching(query.streams))
        var statistics = LogStatistics()
        var parts: [LogPart] = []
        for (day, entry) in view.snapshot() where plan.overlaps(day: day) { parts += try sources(plan, day, entry, &statistics) }
        let (partials, cost) = try await self.fold(parts, into: initial) { partial, part, statistics in
            guard let found = self.evaluate(plan, part, &statistics) else { return }
            try fold(&partial, self.rows(plan, part, found))
        }
        statistics.add(cost)
        return (partials, statistics)
    }

    /// Goes over parts on as many threads as a query may use, each with a value of its own.
    func fold<Partial: Sendable>(
        _ parts: [LogPart], into initial: @escaping @Sendable () -> Partial,
        _ add: @escaping @Sendable (inout Partial, LogPart, inout LogStatistics) throws -> Void
    ) async throws -> (partials: [Partial], statistics: LogStatistics) {
        let queue = PartQueue(parts)
        return try await withThrowingTaskGroup(of: (Partial, LogStatistics).self) { group in
            for _ in 0..<min(Self.scanThreads, parts.count) {
                group.addTask {
                    var partial = initial()
                    var statistics = LogStatistics()
                    while let part = queue.next() {
                        try Task.checkCancellation()
                        try add(&partial, part, &statistics)
                    }
                    return (partial, statistics)
                }
            }
            var partials: [Partial] = []
            var statistics = LogStatistics()
            for try await (partial, cost) in group {
                partials.append(partial)
                statistics.add(cost)
            }
            return (partials, statistics)
        }
    }

    /// What was found in one part, as columns.
    private func rows(_ plan: QueryPlan, _ part: LogPart, _ found: QueryPlan.Found) -> LogRows {
        let (numbers, labels) = catalogue.indexed(found.streams)
        let cache = cache
        return LogRows(
            streams: labels, stream: numbers, times: found.rows.map { found.columns.times[$0] },
            sequences: found.rows.map { found.columns.sequences[$0] },
            severities: found.rows.map { LogRecord.Severity(rawValue: found.columns.severities[$0]) ?? .unknown },
            fields: found.columns.fields.isEmpty ? [] : found.rows.map { found.columns.fields[$0] },
            text: {
                let text = try found.text ?? plan.text(part, cache: cache)
                return LogText(bytes: text.bytes, starts: found.rows.map { text.starts[$0] }, ends: found.rows.map { text.ends[$0] })
            },
            column: { parser, field in
                guard parser == .json, case .chunk(let key, _) = part else { return nil }
                return try FieldReader.json(field, cache.opened(key), rows: found.rows, times: found.columns.times)
            })
    }

    @concurrent public func streams(_ matchers: [Matcher], in range: Range<Int64>) async throws -> [Labels] {
        guard !range.isEmpty else { return [] }
        let plan = plan(LogQuery(LogSelection(matchers, in: range)), streams: catalogue.matching(matchers))
        var statistics = LogStatistics()
        var numbers: Set<Int> = []
        for (day, entry) in view.snapshot() where plan.overlaps(day: day) {
            for part in try sources(plan, day, entry, &statistics) {
                switch part {
                case .block(let block): numbers.insert(block.stream)
                case .chunk(_, let chunk): numbers.formUnion(chunk.streams)
                }
            }
        }
        return catalogue.labels(of: plan.streams.map { numbers.intersection($0) } ?? numbers).values.sorted()
    }
}

/// Parts that some threads share among themselves.
private final class PartQueue: Sendable {
    private let parts: [LogPart]
    private let taken = Mutex(0)

    init(_ parts: [LogPart]) { self.parts = parts }

    func next() -> LogPart? {
        taken.withLock { index in
            guard index < parts.count else { return nil }
            defer { index += 1 }
            return parts[index]
        }
    }
}

extension LogQuery {
    init(_ selection: LogSelection) {
        self.init(
            streams: selection.matchers, from: selection.range.lowerBound, through: selection.range.upperBound - 1, lines: selection.filters,
            minimumSeverity: selection.minimumSeverity)
    }
}

extension LogRows {
    /// Lines as columns.
    init(_ lines: [LogLine]) {
        var numbers: [Labels: Int32] = [:]
        var streams: [Labels] = []
        let stream = lines.map { line in
            if let known = numbers[line.stream] { return known }
            numbers[line.stream] = Int32(streams.count)
            streams.append(line.stream)
            return Int32(streams.count - 1)
        }
        self.init(
            streams: streams, stream: stream, times: lines.map(\.time), sequences: lines.map(\.position.sequence),
            severities: lines.map(\.severity), fields: lines.contains { !$0.fields.isEmpty } ? lines.map(\.fields) : [],
            text: {
                var text = LogText(bytes: [], starts: [], ends: [])
                for line in lines {
                    text.starts.append(text.bytes.count)
                    text.bytes.append(contentsOf: line.body)
                    text.ends.append(text.bytes.count)
                    text.bytes.append(0x0A)
                }
                return text
            })
    }
}

extension StreamCatalogue {
    /// For each number an index in the labels that come with it, each stream's once.
    func indexed(_ numbers: some Collection<Int>) -> (indices: [Int32], labels: [Labels]) {
        var known: [Int: Int32] = [:]
        var labels: [Labels] = []
        var indices: [Int32] = []
        indices.reserveCapacity(numbers.count)
        var last: (number: Int, index: Int32)?
        for number in numbers {
            if let last, last.number == number {
                indices.append(last.index)
                continue
            }
            let index: Int32
            if let found = known[number] {
                index = found
            } else {
                index = Int32(labels.count)
                known[number] = index
                labels.append(self.labels(of: number) ?? Labels())
            }
            indices.append(index)
            last = (number, index)
        }
        return (indices, labels)
    }
}
