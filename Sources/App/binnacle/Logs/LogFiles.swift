import Glibc
import LogParsing
import LogQL
import LogStore
import QueryAPI
import Runtime
import Telemetry

/// Files and standard input as a source of lines: the same search over what was never collected.
enum LogFiles {
    /// Everything is held in memory, so there is a bound.
    private static let maximumBytes = 1 << 30

    static func read(_ paths: [String]) throws -> MemoryLogSource {
        var lines: [LogLine] = []
        var sequence: Int64 = 0
        var left = maximumBytes
        let now = SystemClock().nanoseconds
        for path in paths {
            let bytes = try contents(path, limit: left)
            left -= bytes.count
            let stream: Labels = ["file": path == "-" ? "(standard input)" : path]
            var detector = FormDetector()
            // A line without a stamp is of the time of the line before it.
            var time = modified(path) ?? now
            var hasStamp = false
            var start = 0
            var unstamped: [Int] = []
            while start < bytes.count {
                let end = bytes[start...].firstIndex(of: 0x0A) ?? bytes.count
                let body = bytes[start..<end].last == 0x0D ? bytes[start..<(end - 1)] : bytes[start..<end]
                start = end + 1
                let heading = detector.heading(body)
                if let stamp = heading.stamp {
                    time = stamp.nanoseconds(near: now)
                    if !hasStamp { for index in unstamped { lines[index].position.time = time } }
                    hasStamp = true
                } else if !hasStamp {
                    unstamped.append(lines.count)
                }
                let severity = heading.severity == .unknown ? SeverityDetector.detect(body) : heading.severity
                sequence += 1
                lines.append(LogLine(position: LogCursor(time: time, sequence: sequence), stream: stream, severity: severity, body: Array(body)))
            }
        }
        return MemoryLogSource(lines)
    }

    private static func contents(_ path: String, limit: Int) throws -> [UInt8] {
        let descriptor = path == "-" ? STDIN_FILENO : unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw CommandFailure(message: "cannot read \(path): \(errnoText(errno))", hint: nil, exitCode: 2) }
        defer { if path != "-" { close(descriptor) } }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count = unsafe Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw CommandFailure(message: "cannot read \(path): \(errnoText(errno))", hint: nil, exitCode: 2) }
            if count == 0 { return bytes }
            bytes += buffer[..<count]
            guard bytes.count <= limit else {
                throw CommandFailure(
                    message: "more than \(maximumBytes >> 20) MiB of files are not searched at once",
                    hint: "collect them with `binnacle collect`, or name fewer")
            }
        }
    }

    private static func modified(_ path: String) -> Int64? {
        var status = stat()
        guard path != "-", unsafe stat(path, &status) == 0 else { return nil }
        return Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec)
    }
}
