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
