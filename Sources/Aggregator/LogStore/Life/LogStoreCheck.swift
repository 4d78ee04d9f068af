import LogQL
import Runtime

/// Checks a log store in a directory by reading only, whether or not a process has it open.
public struct LogStoreCheck: Sendable {
    /// What was found in one file.
    public struct FileReport: Sendable, Hashable {
        public var name: String
        public var chunks = 0
        public var lines = 0
        /// Of text, with line feeds.
        public var rawBytes: Int64 = 0
        public var fileBytes: Int64 = 0
        /// What cannot be read or contradicts itself.
        public var problems: [String] = []
    }

    private let directory: String

    public init(directory: String) { self.directory = directory }

    /// The log and each day file: everything is unpacked and compared with its checksums and with what else is said of it.
    /// - Parameter progress: called with each file's name before it is read.
    public func run(progress: (String) -> Void = { _ in }) throws -> [FileReport] {
        var reports: [FileReport] = []
        let cache = ChunkCache(directory: directory, maximumBytes: 8 << 20, metrics: MetricRegistry())
        for name in try HostFileSystem().list(directory).sorted() {
            let day = DayFile.day(named: name)
            guard day != nil || name == "wal.db" || name.hasSuffix(".damaged") else { continue }
            progress(name)
            var report = FileReport(name: name)
            for suffix in ["", "-wal"] { report.fileBytes += (try? HostFileSystem().status("\(directory)/\(name)\(suffix)").size) ?? 0 }
            do {
                if let day {
                    try check(day: day, cache, &report)
                } else if name == "wal.db" {
                    try LogWAL.read("\(directory)/\(name)") { block in
                        report.chunks += 1
                        report.lines += block.count
                        report.rawBytes += Int64(block.text.bytes.count)
                    }
                } else {
                    report.problems.append("it was set aside because it could not be read")
                }
            } catch {
                report.problems.append("\(error)")
            }
            reports.append(report)
        }
        return reports
    }

    private func check(day: Int, _ cache: ChunkCache, _ report: inout FileReport) throws {
        let reader = try cache.reader(day)
        var index = CheckedIndex()
        for chunk in try reader.living() where chunk.count > 0 {
            do {
                try cache.check(chunk, day: day, &index)
            } catch {
                // It may have been purged meanwhile.
                guard try reader.living().contains(where: { $0.id == chunk.id }) else { continue }
                report.problems.append("chunk \(chunk.id): \(error)")
            }
            report.chunks += 1
            report.lines += chunk.count
            report.rawBytes += Int64(chunk.rawBytes)
        }
    }
}
