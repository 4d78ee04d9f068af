import Glibc
import JSON
import Runtime
import Synchronization
import Telemetry
import TestKit

/// Whether the collector lives, for writers that may take a file away only after it could see it.
final class Liveness: Sendable {
    private struct State: Sendable {
        var epoch = 0
        var since: ContinuousClock.Instant?
        var kills = 0
    }
    private let state = Mutex(State())

    func began() {
        state.withLock {
            $0.epoch += 1
            $0.since = .now
        }
    }
    func ended() {
        state.withLock {
            $0.epoch += 1
            $0.since = nil
            $0.kills += 1
        }
    }
    var kills: Int { state.withLock { $0.kills } }

    /// Waits until one life of the collector has lasted from now on for so long, at most for `bound`.
    func livedThrough(_ duration: Duration, bound: Duration = .seconds(60)) async throws {
        let limit = ContinuousClock.now + bound
        while ContinuousClock.now < limit {
            let before = state.withLock { ($0.epoch, $0.since) }
            guard before.1 != nil else {
                try await Task.sleep(for: .milliseconds(50))
                continue
            }
            try await Task.sleep(for: duration)
            if state.withLock({ $0.epoch }) == before.0 { return }
        }
    }
}

/// Writes numbered lines into files that are rotated in one of the ways that there are.
struct SoakWriter: Sendable {
    enum Kind: String, CaseIterable, Sendable {
        /// The writer renames, goes on in the old file for two lines, and makes a new one; old ones are shifted, then removed.
        case rename
        /// logrotate renames, creates and compresses.
        case create
        /// logrotate copies and truncates.
        case copytruncate
        /// A kubelet renames and compresses, a runtime cuts lines into parts, the container restarts.
        case pods
        /// Files that live for less than a second.
        case brief
    }

    let kind: Kind
    let root: String
    let seed: UInt64
    let liveness: Liveness
    /// Lines that are written at once, and about how long it rests then.
    var burst = 40
    var pause = Duration.milliseconds(40)

    static let logrotate: [String]? = {
        let tools = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/") + "/.build-tools/usr"
        if HostFileSystem().exists("\(tools)/sbin/logrotate") {
            return ["env", "LD_LIBRARY_PATH=\(tools)/lib/x86_64-linux-gnu", "\(tools)/sbin/logrotate"]
        }
        return HostFileSystem().exists("/usr/sbin/logrotate") ? ["/usr/sbin/logrotate"] : nil
    }()

    var directory: String { "\(root)/\(kind.rawValue)" }
    private var files: HostFileSystem { HostFileSystem() }

    /// Writes until the moment and returns how many lines.
    func write(until end: ContinuousClock.Instant) async throws -> Int {
        try files.makeDirectory(directory, mode: 0o755)
        switch kind {
        case .rename: return try await renaming(end)
        case .create: return try await logrotating(end, "create 0644\n rotate 60\n compress\n delaycompress")
        case .copytruncate:
            try files.makeDirectory("\(directory)/copies", mode: 0o755)
            return try await logrotating(end, "copytruncate\n rotate 10000\n olddir \(directory)/copies")
        case .pods: return try await pods(end)
        case .brief: return try await brief(end)
        }
    }

    private func text(_ number: Int) -> String { "\(kind.rawValue) \(number) some words that make a line as long as lines are\n" }

    private func append(_ text: String, to path: String) throws {
        let file = try HostFile(path, flags: O_WRONLY | O_CREAT | O_APPEND, mode: 0o644)
        try file.write(Array(text.utf8))
    }

    private func renaming(_ end: ContinuousClock.Instant) async throws -> Int {
        var random = SeededGenerator(seed: seed)
        let path = "\(directory)/app.log"
        var file = try HostFile(path, flags: O_WRONLY | O_CREAT | O_APPEND, mode: 0o644)
        var next = 0
        while ContinuousClock.now < end {
            let count = 1 + random.below(burst)
            try file.write(Array((next..<next + count).map(text).joined().utf8))
            next += count
            if random.below(40) == 0 {
                for number in (1..<60).reversed() where files.exists("\(path).\(number)") { try files.rename("\(path).\(number)", to: "\(path).\(number + 1)") }
                try? files.remove("\(path).60")
                try files.rename(path, to: "\(path).1")
                try file.write(Array((text(next) + text(next + 1)).utf8))
                next += 2
                file = try HostFile(path, flags: O_WRONLY | O_CREAT | O_APPEND, mode: 0o644)
            }
            try await Task.sleep(for: pause)
        }
        return next
    }

    private func logrotating(_ end: ContinuousClock.Instant, _ how: String) async throws -> Int {
        var random = SeededGenerator(seed: seed)
        let path = "\(directory)/app.log"
        let configuration = "\(directory)/rotate.conf"
        try files.write(configuration, Array("\(path) { \(how)\n missingok\n su root root\n}\n".utf8))
        var next = 0
        while ContinuousClock.now < end {
            let count = 1 + random.below(burst)
            try append((next..<next + count).map(text).joined(), to: path)
            next += count
            if random.below(50) == 0, let logrotate = Self.logrotate {
                let outcome = try await Program.run(logrotate + ["-f", "-s", "\(directory)/state", configuration])
                guard outcome.status == 0 else { throw Program.Failure("logrotate: \(outcome.description)") }
            }
            try await Task.sleep(for: pause)
        }
        return next
    }

    private func pods(_ end: ContinuousClock.Instant) async throws -> Int {
        var random = SeededGenerator(seed: seed)
        let container = "\(directory)/shop_api-0_uid-\(seed)/app"
        try files.makeDirectory(container, mode: 0o755)
        var (next, run) = (0, 0)
        var rotated: [String] = []
        while ContinuousClock.now < end {
            let name = "\(container)/\(run).log"
            var lines = ""
            for number in next..<next + 1 + random.below(burst) {
                let stamp = CivilTime(nanosecondsSinceEpoch: SystemClock().nanoseconds).rfc3339(fractionDigits: 9)
                let stream = number % 3 == 0 ? "stderr" : "stdout"
                let whole = text(number).dropLast()
                lines +=
                    number % 5 == 0
                    ? "\(stamp) \(stream) P \(whole.prefix(5))\n\(stamp) \(stream) F \(whole.dropFirst(5))\n" : "\(stamp) \(stream) F \(whole)\n"
                next = number + 1
            }
            try append(lines, to: name)
            switch random.below(60) {
            case 0:
                let stamp = String(CivilTime(nanosecondsSinceEpoch: SystemClock().nanoseconds).rfc3339(fractionDigits: 0).filter { $0.isNumber }.prefix(14))
                let old = "\(name).\(stamp.prefix(8))-\(stamp.suffix(6))"
                // Twice within a second a kubelet does not rotate.
                if !files.exists(old), !files.exists("\(old).gz") {
                    try files.rename(name, to: old)
                    rotated.append(old)
                }
            case 1 where rotated.count > 1:
                let old = rotated.removeFirst()
                let outcome = try await Program.run(["sh", "-c", "gzip -c '\(old)' > '\(old).gz.tmp' && mv '\(old).gz.tmp' '\(old).gz' && rm '\(old)'"])
                guard outcome.status == 0 else { throw Program.Failure("gzip: \(outcome.description)") }
            case 2 where random.below(3) == 0: run += 1
            default: break
            }
            try await Task.sleep(for: pause)
        }
        return next
    }

    private func brief(_ end: ContinuousClock.Instant) async throws -> Int {
        var random = SeededGenerator(seed: seed)
        var (next, file) = (0, 0)
        while ContinuousClock.now < end {
            // The same name again, or another.
            if random.below(3) != 0 { file += 1 }
            let path = "\(directory)/job-\(file).log"
            let count = 1 + random.below(10)
            try append((next..<next + count).map(text).joined(), to: path)
            next += count
            try await liveness.livedThrough(.milliseconds(800))
            try files.remove(path)
        }
        return next
    }
}

extension Aggregate {
    /// Every stored line that the selector finds, oldest first.
    func lines(_ selector: String) async throws -> [String] {
        var lines: [String] = []
        var cursor: String?
        while true {
            let more = cursor.map { ["--data-urlencode", "cursor=\($0)"] } ?? []
            let outcome = try await Program.run(
                [
                    "curl", "-sS", "-m", "60", "-G", "\(queries)/api/logs", "--data-urlencode", "selector=\(selector)", "-d", "limit=100000", "-d",
                    "direction=oldest", "-d", "from=0",
                ] + more, seconds: 90)
            let answer = try outcome.output.split(separator: "\n").map { try JSON.parse(String($0)) }
            guard let last = answer.last, last["stats"].object != nil else {
                throw Program.Failure("no whole answer: \(outcome.output.suffix(300)) \(outcome.errors)")
            }
            lines += answer.dropLast().compactMap { $0["line"].string }
            cursor = last["cursor"].string
            if cursor == nil { return lines }
        }
    }
}
