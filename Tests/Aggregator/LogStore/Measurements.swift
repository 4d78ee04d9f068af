import Glibc
import LogQL
import Runtime
import SQLite
import Telemetry
import TestKit
import Testing

@testable import LogStore

/// Figures, not checks: `BINNACLE_MEASURE=1 swift test -c release -Xswiftc -enable-testing --filter Measurements`.
@Suite(.enabled(if: unsafe getenv("BINNACLE_MEASURE") != nil)) struct Measurements {
    /// Lines as a shop's services write them: JSON with random identifiers.
    static func line(_ number: Int, _ random: inout SeededGenerator) -> [UInt8] {
        func hex(_ count: Int) -> String { String((0..<count).map { _ in Array("0123456789abcdef")[random.below(16)] }) }
        let paths = ["/cart", "/checkout", "/products/\(random.below(5000))", "/health", "/login"]
        let messages = ["request served", "cache miss", "upstream timeout, retrying", "session refreshed", "stock level low"]
        let level = random.below(50) == 0 ? "error" : random.below(10) == 0 ? "warn" : "info"
        let time = CivilTime(nanosecondsSinceEpoch: march + Int64(number) * 2_345_678).rfc3339(fractionDigits: 3)
        return Array(
            """
            {"ts":"\(time)","level":"\(level)","logger":"shop.http.\(["api", "web", "worker"][random.below(3)])",\
            "msg":"\(messages[random.below(5)])","path":"\(paths[random.below(5)])","status":\([200, 200, 200, 304, 404, 500][random.below(6)]),\
            "duration_ms":\(random.below(900)),"trace_id":"\(hex(32))","span_id":"\(hex(16))","user":\(random.below(100_000))}
            """.utf8)
    }

    private static func cpuSeconds() -> Double {
        var usage = rusage()
        unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
    }

    @Test func `ingest, ratio and needle search`() async throws {
        let directory = TemporaryDirectory("measure")
        var options = LogArchive.Options(directory: directory.file("logs"))
        options.clock = ManualClock(startingAt: Timestamp(milliseconds: march / 1_000_000 + 3_600_000))
        let registry = MetricRegistry()
        let archive = try LogArchive(options, metrics: registry)
        var random = SeededGenerator(seed: 11)
        let total = 1_000_000
        var batches: [LogBatch] = []
        var bytes = 0
        for start in stride(from: 0, to: total, by: 1000) {
            let records = (start..<start + 1000).map { number -> LogRecord in
                let body = Self.line(number, &random)
                bytes += body.count
                return LogRecord(time: march + Int64(number) * 2_345_678 + Int64(random.below(1_000_000)), severity: .info, body: body)
            }
            batches.append(LogBatch(stream: stream("p\(start / 1000 % 16)"), records: records, origin: nil))
        }
        let needle = String(decoding: batches[500].records[500].body, as: UTF8.self).split(separator: "\"").first { $0.utf8.count == 32 }.map(String.init) ?? ""
        let (cpu, wall) = (Self.cpuSeconds(), ContinuousClock.now)
        for index in stride(from: 0, to: batches.count, by: 4) { try await archive.append(Array(batches[index..<min(index + 4, batches.count)])) }
        try await archive.flush()
        let spent = Self.cpuSeconds() - cpu
        print("ingest: \(bytes >> 20) MiB in \(spent) CPU s = \(Double(bytes) / 1e6 / spent) MB/s of CPU; wall \(ContinuousClock.now - wall)")
        try await archive.close()
        var stored: Int64 = 0
        for name in try HostFileSystem().list(options.directory) where name.hasPrefix("logs-") {
            stored += try HostFileSystem().status("\(options.directory)/\(name)").size
        }
        let parts = try DayReader(path: options.path(DayFile.day(of: march))).partSizes()
        print("parts: \(parts)")
        print("stored: \(stored >> 20) MiB, ratio \(Double(bytes) / Double(stored))")
        for (name, query) in [
            ("needle, cold", LogQuery(lines: [.contains(needle)])), ("needle, again", LogQuery(lines: [.contains(needle)])),
            ("half a needle", LogQuery(lines: [.contains(String(needle.prefix(12)))])),
            ("absent", LogQuery(lines: [.contains("feedfacefeedfacefeedfacefeedface")])),
            ("ignoring case", LogQuery(lines: [.contains(needle.uppercased(), ignoringCase: true)])),
            ("brute force, short", LogQuery(lines: [.contains("zzz")])), ("newest 1000", LogQuery()),
            ("newest 1000 errors of one pod", LogQuery(streams: [Matcher("pod", equals: "p3")], lines: [.contains("\"level\":\"error\"")])),
        ] {
            let opened = try LogArchive(options, metrics: MetricRegistry())
            let start = ContinuousClock.now
            let page = try await opened.read(query)
            print("\(name): \(page.lines.count) lines in \(ContinuousClock.now - start); \(page.statistics)")
            try await opened.close()
        }
        let opened = try LogArchive(options, metrics: MetricRegistry())
        let start = ContinuousClock.now
        let counts = try await opened.count(LogQuery(), by: LogGrouping(step: 60 * second, bySeverity: true))
        print("histogram: \(counts.counts.count) groups in \(ContinuousClock.now - start)")
        let patterns = ContinuousClock.now
        let found = try await opened.patterns(LogQuery(limit: 10))
        print("patterns: \(found.patterns.count) of \(found.total) lines in \(ContinuousClock.now - patterns)")
        try await opened.close()
    }
}

extension DayReader {
    /// Bytes of each kind of part.
    fileprivate func partSizes() throws -> [String: Int64] {
        try withDatabase { database in
            var sizes: [String: Int64] = [:]
            for part in ["columns", "text", "signature", "counts"] {
                sizes[part] = try database.scalar("SELECT sum(length(body)) FROM \(part)")?.integer ?? 0
            }
            return sizes
        }
    }
}
