import Glibc
import LogQL
import LogStore
import Pattern
import Runtime
import Synchronization
import Telemetry

/// What the log store costs: CPU on the way in, bytes on disk, time to find.
///
/// `LogBench DIRECTORY [MEGABYTES]` fills a store and measures; `LogBench text FILE [MEGABYTES]` writes the same lines to a file, for
/// what it is compared with (scripts/bench-logs); `LogBench open DIRECTORY [needles]` measures the queries, or those for rare texts, on a store that is there; `write` and
/// `verify` are for cutting the power.
@main struct LogBench {
    final class BenchClock: WallClock, Sendable {
        private let value = Atomic<Int64>(MadeLogs.start + 73_000_000_000_000)
        var nanoseconds: Int64 { value.load(ordering: .relaxed) }
    }

    /// About the mean of the generator.
    private static let bytesPerLine = 224

    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count > 1 else {
            print("usage: LogBench DIRECTORY [MEGABYTES] | text FILE [MEGABYTES] | open DIRECTORY")
            exit(2)
        }
        if arguments[1] == "text" {
            return try text(arguments[2], lines: lines(arguments.count > 3 ? arguments[3] : "1000"))
        }
        if arguments[1] == "write" { return try await PowerCut.write(arguments[2], seconds: arguments.count > 3 ? Int(arguments[3]) ?? 10 : 10) }
        if arguments[1] == "verify" { return try await PowerCut.verify(arguments[2]) }
        if arguments[1] == "open" {
            let archive = try LogArchive(options(arguments[2]), metrics: MetricRegistry())
            try await queries(archive, onlyNeedles: arguments.count > 3 && arguments[3] == "needles")
            return try await archive.close()
        }
        let lines = lines(arguments.count > 2 ? arguments[2] : "1000")
        let generator = cpuSeconds()
        var total = 0
        var made = MadeLogs(lines: lines)
        for _ in 0..<lines { total += made.next().body.count + 1 }
        let generation = cpuSeconds() - generator
        let archive = try LogArchive(options(arguments[1]), metrics: MetricRegistry())
        let (cpu, wall) = (cpuSeconds(), ContinuousClock.now)
        try await fill(archive, lines: lines)
        try await archive.flush()
        let spent = cpuSeconds() - cpu - generation
        print("text            \(total) bytes, \(lines) lines")
        print(
            "ingest          \(rounded(Double(total) / 1e6 / spent)) MB/s of CPU (\(rounded(spent)) CPU-s, wall \(ContinuousClock.now - wall) with generation)")
        print("memory          \(residentBytes() >> 20) MiB resident after ingest, \(peakBytes() >> 20) MiB at most")
        try await report(archive, total)
        let house = cpuSeconds()
        try await archive.compact()
        print("compaction      \(rounded(cpuSeconds() - house)) CPU-s")
        try await report(archive, total)
        try await queries(archive)
        print("memory          \(residentBytes() >> 20) MiB resident after queries, \(peakBytes() >> 20) MiB at most")
        try await archive.close()
        let stored = try fileBytes(arguments[1])
        print("files           \(stored) bytes = \(rounded(Double(stored) / Double(total), 4)) of the text")
    }

    private static func options(_ directory: String) -> LogArchive.Options {
        var options = LogArchive.Options(directory: directory)
        options.clock = BenchClock()
        return options
    }

    private static func lines(_ megabytes: String) -> Int { max(1, (Int(megabytes) ?? 1000) * 1_000_000 / bytesPerLine) }

    private static func text(_ path: String, lines: Int) throws {
        guard let file = unsafe fopen(path, "w") else { exit(1) }
        var made = MadeLogs(lines: lines)
        for _ in 0..<lines {
            let body = made.next().body + [0x0A]
            unsafe fwrite(body, 1, body.count, file)
        }
        unsafe fclose(file)
    }

    private static func fill(_ archive: LogArchive, lines: Int) async throws {
        var made = MadeLogs(lines: lines)
        var left = lines
        while left > 0 {
            // As a collector sends: some seconds of each stream.
            var records = [[LogRecord]](repeating: [], count: made.streams.count)
            for _ in 0..<min(left, 4000) {
                let line = made.next()
                records[line.stream].append(LogRecord(time: line.time, severity: line.severity, body: line.body))
            }
            left -= min(left, 4000)
            try await archive.append(
                records.indices.filter { !records[$0].isEmpty }.map { LogBatch(stream: made.streams[$0], records: records[$0], origin: nil) })
        }
    }

    private static func report(_ archive: LogArchive, _ total: Int) async throws {
        let kinds = try archive.storedBytes()
        let all = kinds.reduce(0) { $0 + $1.bytes }
        print(
            "stored          \(all) bytes = \(rounded(Double(all) / Double(total), 4)) of the text: "
                + kinds.map { "\($0.kind) \(rounded(Double($0.bytes) / Double(total), 4))" }.joined(separator: ", "))
    }

    // MARK: Queries

    /// Longer than the logs: to measure more, a day's file may be copied to the names of days that follow.
    private static let all = MadeLogs.start - 1_000_000_000..<MadeLogs.start + 40 * 86_400_000_000_000

    private static func count(_ archive: LogArchive, _ filters: [LineFilter]) async throws -> (lines: Int, statistics: LogStatistics) {
        let (partials, statistics) = try await archive.scan(LogSelection([], in: all, filters: filters), into: { 0 }) { $0 += $1.count }
        return (partials.reduce(0, +), statistics)
    }

    private static func measure(_ name: String, _ runs: Int = 3, _ body: () async throws -> String) async throws {
        var times: [Double] = []
        var cpus: [Double] = []
        var answer = ""
        for _ in 0..<runs {
            let (wall, cpu) = (ContinuousClock.now, cpuSeconds())
            answer = try await body()
            times.append((ContinuousClock.now - wall).inSeconds * 1000)
            cpus.append((cpuSeconds() - cpu) * 1000)
        }
        let padded = name + String(repeating: " ", count: max(1, 30 - name.count))
        print(
            "\(padded)first \(rounded(times[0])) ms (CPU \(rounded(cpus[0]))), best \(rounded(times.min() ?? 0)) ms (CPU \(rounded(cpus.min() ?? 0))); \(answer)"
        )
    }

    private static func queries(_ archive: LogArchive, onlyNeedles: Bool = false) async throws {
        // An identifier from the middle of what is there.
        let middle = MadeLogs.start + 36_000_000_000_000
        let page = try await archive.page(
            LogSelection([], in: middle..<all.upperBound, filters: [.contains("trace_id")]), direction: .forward, after: nil, limit: 1)
        let text = try page.rows.text()
        let line = String(decoding: text.bytes[text.starts[0]..<text.ends[0]], as: UTF8.self)
        let needle = line.split(separator: "\"").first { $0.utf8.count == 32 }.map(String.init) ?? ""
        func filters(_ text: String) -> [LineFilter] { [.contains(text)] }
        let searches: [(String, [LineFilter])] = [
            ("a rare token", filters(needle)), ("half a rare token", filters(String(needle.prefix(12)))),
            ("an absent token", filters("feedfacefeedfacefeedfacefeedface")),
            ("a substring, no index", filters("kaloka")), ("a frequent word", filters("timeout")),
            ("an expression", [LineFilter([.matches(try Pattern("status\":(404|500).*duration_ms\":8[0-9][0-9]"))])]),
            ("an expression without a text", [LineFilter([.matches(try Pattern("[45][0-9][0-9] [0-9]{5} "))])]),
        ]
        for (name, wanted) in searches.prefix(onlyNeedles ? 3 : searches.count) {
            try await measure(name) {
                let (lines, cost) = try await count(archive, wanted)
                return "\(lines) lines, \(cost.chunksSkipped) of \(cost.chunks) chunks skipped, \(cost.bytes >> 20) MiB of text"
            }
        }
        guard !onlyNeedles else { return }
        try await measure("JSON field, count by level") {
            let (partials, _) = try await archive.scan(LogSelection([Matcher("container", equals: "api")], in: all), into: { [String: Int]() }) {
                counts, rows in
                guard let column = try rows.column(.json, "level") else {
                    counts["(unparsed)", default: 0] += rows.count
                    return
                }
                var own = [Int](repeating: 0, count: column.values.count)
                for row in column.rows where row >= 0 { own[Int(row)] += 1 }
                for (index, count) in own.enumerated() { counts[column.values[index], default: 0] += count }
            }
            return partials.reduce(into: [:]) { sum, part in sum.merge(part) { $0 + $1 } }.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(
                separator: ", ")
        }
        try await measure("count by level per minute") {
            guard let counts = try await archive.counts(LogSelection([], in: all)) else { return "no counts" }
            return "\(counts.entries.count) entries, \(counts.entries.reduce(0) { $0 + $1.lines }) lines"
        }
        try await measure("last 100 lines of all") {
            try await "\(archive.page(LogSelection([], in: all), direction: .backward, after: nil, limit: 100).rows.count) lines"
        }
        try await measure("last 100 lines of one pod") {
            try await "\(archive.page(LogSelection([Matcher("pod", equals: "web-2")], in: all), direction: .backward, after: nil, limit: 100).rows.count) lines"
        }
    }

    // MARK: The process

    private static func rounded(_ value: Double, _ digits: Int = 1) -> Double {
        var power = 1.0
        for _ in 0..<digits { power *= 10 }
        return (value * power).rounded() / power
    }

    private static func cpuSeconds() -> Double {
        var usage = rusage()
        unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
    }

    private static func peakBytes() -> Int {
        var usage = rusage()
        unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return usage.ru_maxrss << 10
    }

    private static func residentBytes() -> Int {
        guard let text = try? HostFileSystem().read("/proc/self/statm") else { return 0 }
        let fields = String(decoding: text, as: UTF8.self).split(separator: " ")
        return fields.count > 1 ? (Int(fields[1]) ?? 0) * 4096 : 0
    }

    private static func fileBytes(_ directory: String) throws -> Int64 {
        try HostFileSystem().list(directory).filter { $0.hasPrefix("logs-") }.reduce(0) { $0 + (try HostFileSystem().status("\(directory)/\($1)").size) }
    }
}
