import Telemetry

extension LogEngine {
    /// The lines of a query, as many as are asked for.
    public func lines(_ pipeline: LogPipeline, _ request: LogLinesRequest) async throws(LogQLError) -> LogLinesResult {
        let plan = try PipelinePlan(pipeline, need: .all)
        let range = try range(request.range, plan)
        var result = LogLinesResult()
        guard request.limit > 0, !range.isEmpty else { return result }
        let sortPlace = plan.globals.firstIndex { if case .sort = $0 { true } else { false } }
        var filters = plan.globals[..<(sortPlace ?? plan.globals.count)].compactMap(AnswerFilter.init)
        // What is sorted must be there whole.
        let limit = sortPlace == nil ? request.limit : options.maximumLines + 1
        result = try await collect(plan, range, request, limit: limit, &filters)
        if let sortPlace {
            guard result.entries.count <= options.maximumLines else {
                throw LogQLError(.limit, "sort would hold more than \(options.maximumLines) lines; narrow the query")
            }
            try arrange(&result.entries, plan.globals[sortPlace...])
            result.next = nil
            if result.entries.count > request.limit { result.entries.removeLast(result.entries.count - request.limit) }
        }
        for case .context(let before, let after) in plan.globals { try await surround(&result, range, request.direction, before: before, after: after) }
        return result
    }

    /// Pages through the source until enough lines went through.
    private func collect(
        _ plan: PipelinePlan, _ range: Range<Int64>, _ request: LogLinesRequest, limit: Int, _ filters: inout [AnswerFilter]
    ) async throws(LogQLError) -> LogLinesResult {
        var result = LogLinesResult()
        var runner = BatchRunner(plan, now: options.now)
        var cursor = request.cursor
        var bytes = 0
        var lastTime: Int64?
        var isFull = false
        let selection = plan.selection(range)
        // Where stages drop lines, pages grow so that rare lines are found in few.
        var pageLimit = plan.stages.isEmpty && filters.isEmpty && request.interval == 0 ? limit : max(limit, 1000)
        pageLimit = min(pageLimit, 65_536)
        while !isFull {
            try checkTime()
            let page: LogPage
            do { page = try await source.page(selection, direction: request.direction, after: cursor, limit: pageLimit) } catch {
                throw LogEngine.wrapped(error)
            }
            result.statistics.add(page.statistics)
            var consumed: LogCursor?
            do {
                try runner.run(page.rows, needsText: true) { row, _ in
                    if request.interval > 0, let lastTime, abs(row.time - lastTime) < request.interval { return true }
                    let entry = LogEntry(
                        cursor: LogCursor(time: row.time, sequence: row.sequence), line: row.line, labels: row.labels.labels, categories: row.labels.categories)
                    var ends = false
                    for index in filters.indices {
                        switch try filters[index].judge(entry, maximum: options.maximumLines) {
                        case .skip: return true
                        case .take: break
                        case .takeAndEnd: ends = true
                        }
                    }
                    bytes += entry.line.count
                    guard bytes <= options.maximumBytes else {
                        throw LogQLError(.limit, "the answer is over \(options.maximumBytes) bytes; ask for fewer lines and go on with the cursor")
                    }
                    result.entries.append(entry)
                    lastTime = row.time
                    consumed = entry.cursor
                    isFull = ends || result.entries.count >= limit
                    return !isFull
                }
            } catch { throw LogEngine.wrapped(error) }
            if isFull {
                // There is more behind the last line unless it was the last row of the last page.
                let last = page.rows.count - 1
                let isLastRow = last >= 0 && consumed == LogCursor(time: page.rows.times[last], sequence: page.rows.sequences[last])
                result.next = isLastRow && page.next == nil ? nil : consumed
                return result
            }
            guard let next = page.next else { return result }
            cursor = next
            pageLimit = min(pageLimit * 2, 65_536)
        }
        return result
    }

    /// `sort` and what stands behind it.
    private func arrange(_ entries: inout [LogEntry], _ stages: ArraySlice<LogStage>) throws(LogQLError) {
        for stage in stages {
            if case .sort(let label, let isDescending) = stage {
                let keys = entries.map { SortKey($0.labels[label]) }
                let order = entries.indices.sorted { left, right in
                    if keys[left] == keys[right] { return left < right }
                    return isDescending ? keys[right] < keys[left] : keys[left] < keys[right]
                }
                entries = order.map { entries[$0] }
            } else if var filter = AnswerFilter(stage) {
                var kept: [LogEntry] = []
                loop: for entry in entries {
                    switch try filter.judge(entry, maximum: options.maximumLines) {
                    case .take: kept.append(entry)
                    case .skip: break
                    case .takeAndEnd:
                        kept.append(entry)
                        break loop
                    }
                }
                entries = kept
            }
        }
    }

    /// Puts the neighbours in the same stream around each line, each line once.
    private func surround(_ result: inout LogLinesResult, _ range: Range<Int64>, _ direction: LogDirection, before: Int, after: Int) async throws(LogQLError) {
        var found: [LogCursor: LogEntry] = [:]
        for entry in result.entries {
            try checkTime()
            // The stream as it was before stages changed its labels cannot be told from those; the cursor finds the row.
            let stream = try await self.stream(of: entry, in: range)
            for (side, count) in [(LogDirection.backward, before), (.forward, after)] where count > 0 {
                for neighbour in try await neighbours(of: entry.cursor, in: stream, range, side, count, &result.statistics) where found[neighbour.cursor] == nil
                {
                    found[neighbour.cursor] = neighbour
                }
                guard found.count <= options.maximumLines else { throw LogQLError(.limit, "context would hold more than \(options.maximumLines) lines") }
            }
        }
        for entry in result.entries { found[entry.cursor] = entry }
        result.entries = found.values.sorted { direction == .forward ? $0.cursor < $1.cursor : $1.cursor < $0.cursor }
    }

    private func stream(of entry: LogEntry, in range: Range<Int64>) async throws(LogQLError) -> Labels {
        let selection = LogSelection([], in: entry.time..<(entry.time + 1))
        do {
            let page = try await source.page(selection, direction: .forward, after: LogCursor(time: entry.time, sequence: entry.cursor.sequence - 1), limit: 1)
            return page.rows.count > 0 ? page.rows.streams[Int(page.rows.stream[0])] : entry.categories.stream
        } catch { throw LogEngine.wrapped(error) }
    }

    private func neighbours(
        of cursor: LogCursor, in stream: Labels, _ range: Range<Int64>, _ side: LogDirection, _ count: Int, _ statistics: inout LogStatistics
    ) async throws(LogQLError) -> [LogEntry] {
        let selection = LogSelection(stream.list.map { Matcher($0.name, equals: $0.value) }, in: range)
        var result: [LogEntry] = []
        var cursor: LogCursor? = cursor
        while let place = cursor, result.count < count {
            let page: LogPage, text: LogText
            do {
                page = try await source.page(selection, direction: side, after: place, limit: count)
                text = try page.rows.text()
            } catch { throw LogEngine.wrapped(error) }
            statistics.add(page.statistics)
            for index in 0..<page.rows.count where page.rows.streams[Int(page.rows.stream[index])] == stream && result.count < count {
                var labels = LabelSet()
                labels.reset(stream: stream, metadata: page.rows.fields.isEmpty ? Labels() : page.rows.fields[index], severity: page.rows.severities[index])
                var entry = LogEntry(
                    cursor: LogCursor(time: page.rows.times[index], sequence: page.rows.sequences[index]),
                    line: Array(text.bytes[text.starts[index]..<text.ends[index]]),
                    labels: labels.labels, categories: labels.categories)
                entry.isContext = true
                result.append(entry)
            }
            cursor = page.next
        }
        return result
    }
}

/// Numbers come before texts, and are ordered as numbers.
private struct SortKey: Comparable {
    var number: Double?
    var text: String

    init(_ text: String) {
        self.text = text
        number = Quantities.number(text).flatMap { $0.isNaN ? nil : $0 }
    }

    static func < (left: SortKey, right: SortKey) -> Bool {
        switch (left.number, right.number) {
        case (let a?, let b?) where a != b: a < b
        case (.some, .none): true
        case (.none, .some): false
        default: left.text < right.text
        }
    }
}
