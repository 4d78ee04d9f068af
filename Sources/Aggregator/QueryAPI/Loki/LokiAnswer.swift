import HTTP
import JSON
import LogQL
import Telemetry

/// Loki's forms of answers.
enum LokiAnswer {
    /// What reading cost, under the names that Grafana and logcli show.
    static func statistics(_ statistics: LogStatistics, took: Duration, rows: Int) -> JSON {
        let seconds = took.inSeconds
        let perSecond = seconds > 0 ? 1 / seconds : 0
        let chunks = statistics.chunks - statistics.chunksSkipped
        let store: JSON = [
            "totalChunksRef": JSON(statistics.chunks), "totalChunksDownloaded": JSON(chunks), "chunksDownloadTime": 0,
            "chunk": [
                "headChunkBytes": 0, "headChunkLines": 0, "decompressedBytes": JSON(statistics.bytes), "decompressedLines": JSON(statistics.lines),
                "compressedBytes": 0, "totalDuplicates": 0,
            ],
        ]
        return [
            "summary": [
                "bytesProcessedPerSecond": JSON(Int(Double(statistics.bytes) * perSecond)),
                "linesProcessedPerSecond": JSON(Int(Double(statistics.lines) * perSecond)), "totalBytesProcessed": JSON(statistics.bytes),
                "totalLinesProcessed": JSON(statistics.lines), "execTime": JSON(seconds), "queueTime": 0, "subqueries": 0,
                "totalEntriesReturned": JSON(rows), "splits": 1, "shards": 1,
            ],
            "querier": ["store": store],
            "ingester": [
                "totalReached": 0, "totalChunksMatched": 0, "totalBatches": 0, "totalLinesSent": 0,
                "store": ["totalChunksRef": 0, "totalChunksDownloaded": 0, "chunksDownloadTime": 0, "chunk": [:]],
            ],
        ]
    }

    /// What an answer lacks.
    static func warnings(_ statistics: LogStatistics) -> [String] { statistics.damaged.map { "lines are missing: \($0)" } }
}

// MARK: Results

extension LokiAnswer {
    /// Lines by stream, newest or oldest first, as the query's direction says.
    static func lines(_ result: LogLinesResult, isCategorized: Bool, took: Duration) -> HTTPResponse {
        var writer = AnswerWriter()
        writer.put("{\"status\":\"success\",")
        put(warnings: result.statistics, to: &writer)
        writer.put("\"data\":{\"resultType\":\"streams\",\"result\":")
        writer.list(streams(result.entries, byStream: isCategorized)) { writer, stream in
            writer.put("{\"stream\":")
            writer.labels(stream.labels)
            writer.put(",\"values\":")
            writer.list(stream.entries) { writer, entry in put(entry, isCategorized: isCategorized, to: &writer) }
            writer.put("}" as Unicode.Scalar)
        }
        // Loki leaves it to the reader to count; here it is said.
        if result.next != nil { writer.put(",\"truncated\":true") }
        if isCategorized { writer.put(",\"encodingFlags\":[\"categorize-labels\"]") }
        return finish(&writer, result.statistics, took, rows: result.entries.count)
    }

    /// Lines by their labels, each set once, in the order in which they first occur.
    static func streams(_ entries: [LogEntry], byStream: Bool) -> [(labels: Labels, entries: [LogEntry])] {
        var places: [Labels: Int] = [:]
        var streams: [(labels: Labels, entries: [LogEntry])] = []
        for entry in entries {
            let labels = byStream ? entry.categories.stream : entry.labels
            if let place = places[labels] {
                streams[place].entries.append(entry)
            } else {
                places[labels] = streams.count
                streams.append((labels, [entry]))
            }
        }
        return streams
    }

    /// `["ns","line"]`, with the labels that are not the stream's as a third element if they are kept apart.
    static func put(_ entry: LogEntry, isCategorized: Bool, to writer: inout AnswerWriter) {
        writer.put("[\"")
        JSON.write(entry.time, to: &writer.text)
        writer.put("\",")
        JSON.write(String(decoding: entry.line, as: UTF8.self), to: &writer.text)
        if isCategorized {
            writer.put(",{")
            var isFirst = true
            for (name, labels) in [("structuredMetadata", entry.categories.metadata), ("parsed", entry.categories.parsed)] where !labels.isEmpty {
                writer.put(isFirst ? "\"\(name)\":" : ",\"\(name)\":")
                writer.labels(labels)
                isFirst = false
            }
            writer.put("}" as Unicode.Scalar)
        }
        writer.put("]" as Unicode.Scalar)
    }

    static func instant(_ result: LogMetricResult, at time: Int64, took: Duration) -> HTTPResponse {
        var writer = AnswerWriter()
        let milliseconds = time / 1_000_000
        writer.put("{\"status\":\"success\",")
        put(warnings: result.statistics, to: &writer)
        var rows = 1
        switch result.value {
        case .scalar(let values):
            writer.put("\"data\":{\"resultType\":\"scalar\",\"result\":")
            writer.sample(milliseconds, values.first ?? .nan)
        case .vector(let series):
            rows = series.count
            writer.put("\"data\":{\"resultType\":\"vector\",\"result\":")
            writer.list(series) { writer, one in
                writer.put("{\"metric\":")
                writer.labels(one.labels)
                writer.put(",\"value\":")
                writer.sample(milliseconds, one.values.first ?? .nan)
                writer.put("}" as Unicode.Scalar)
            }
        }
        return finish(&writer, result.statistics, took, rows: rows)
    }

    static func range(_ result: LogMetricResult, took: Duration) -> HTTPResponse {
        var writer = AnswerWriter()
        writer.put("{\"status\":\"success\",")
        put(warnings: result.statistics, to: &writer)
        writer.put("\"data\":{\"resultType\":\"matrix\",\"result\":")
        let series: [LogSeries] =
            switch result.value {
            case .scalar(let values): [LogSeries(Labels(), values)]
            case .vector(let series): series
            }
        writer.list(series) { writer, one in
            writer.put("{\"metric\":")
            writer.labels(one.labels)
            writer.put(",\"values\":")
            writer.list(one.values.indices.filter { !one.values[$0].isAbsent }) { writer, index in
                writer.sample(result.steps.time(index) / 1_000_000, one.values[index])
            }
            writer.put("}" as Unicode.Scalar)
        }
        return finish(&writer, result.statistics, took, rows: series.count)
    }

    private static func put(warnings statistics: LogStatistics, to writer: inout AnswerWriter) {
        let warnings = warnings(statistics)
        guard !warnings.isEmpty else { return }
        writer.put("\"warnings\":")
        writer.list(warnings) { JSON.write($1, to: &$0.text) }
        writer.put("," as Unicode.Scalar)
    }

    private static func finish(_ writer: inout AnswerWriter, _ statistics: LogStatistics, _ took: Duration, rows: Int) -> HTTPResponse {
        writer.put(",\"stats\":")
        Self.statistics(statistics, took: took, rows: rows).write(to: &writer.text)
        writer.put("}}")
        return HTTPResponse(fields: ["Content-Type": "application/json; charset=UTF-8"], body: .bytes(writer.text))
    }
}
