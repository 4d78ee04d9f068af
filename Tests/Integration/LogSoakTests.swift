import Glibc
import JSON
import Runtime
import Synchronization
import TestKit
import Testing

/// Numbered lines through rotation of every kind, while both sides are killed and the aggregator is away: every number exactly once.
///
/// scripts/soak-logs runs it for as long as one likes. BINNACLE_SOAK_SECONDS and BINNACLE_SOAK_SEED say how long and which.
@Suite(.serialized, .timeLimit(.minutes(60))) struct LogSoakTests {
    private static func number(_ name: String) -> Int? { unsafe getenv(name).flatMap { unsafe Int(String(cString: $0)) } }

    @Test func `every number exactly once`() async throws {
        let seconds = Self.number("BINNACLE_SOAK_SECONDS") ?? 25
        let seed = UInt64(Self.number("BINNACLE_SOAK_SEED") ?? Int.random(in: 1...999_999))
        print("soak: seed \(seed), \(seconds) s")
        let place = TemporaryDirectory("soak")
        let root = place.file("logs")
        let configuration = place.file("logs.yaml")
        try HostFileSystem().makeDirectory(root, mode: 0o755)
        try HostFileSystem().write(
            configuration,
            Array(
                """
                sources:
                  - files: [\(root)/rename/app.log, \(root)/create/app.log, \(root)/copytruncate/app.log, "\(root)/brief/*.log"]
                    labels: {job: soak}
                  - pods: \(root)/pods
                """.utf8))
        let sides = Sides(place: place, configuration: configuration)
        try await sides.startAggregate()
        try await sides.startCollect()
        let end = ContinuousClock.now + .seconds(seconds)
        let written = try await withThrowingTaskGroup(of: (SoakWriter.Kind, Int)?.self) { group in
            for (index, kind) in SoakWriter.Kind.allCases.enumerated() {
                let writer = SoakWriter(kind: kind, root: root, seed: seed &* 31 &+ UInt64(index), liveness: sides.liveness)
                group.addTask { (kind, try await writer.write(until: end)) }
            }
            group.addTask {
                try await sides.kill(until: end, seed: seed, long: .seconds(max(5, seconds / 15)))
                return nil
            }
            var written: [SoakWriter.Kind: Int] = [:]
            for try await result in group { if let (kind, count) = result { written[kind] = count } }
            return written
        }
        let stored = try await sides.settled(written)
        let kills = (collect: sides.liveness.kills, aggregate: sides.aggregateKills.withLock { $0 })
        for kind in SoakWriter.Kind.allCases {
            let count = written[kind] ?? 0
            let numbers = stored[kind] ?? []
            let known = Set(numbers)
            let missing = (0..<count).filter { !known.contains($0) }
            let doubled = numbers.count - known.count
            print("soak: \(kind.rawValue): \(count) written, \(missing.count) missing, \(doubled) doubled")
            #expect(doubled == 0 && known.allSatisfy { (0..<count).contains($0) }, "seed \(seed), \(kind.rawValue): \(doubled) doubled")
            if kind == .copytruncate {
                // What logrotate cuts away before it was read is lost by design: the ends of copies, and what came between copy and cut.
                let windows = try Self.unreadEnds(of: "\(root)/copytruncate/copies", known: known)
                #expect(windows.isTorn.isEmpty, "seed \(seed): not at a copy's end: \(windows.isTorn.prefix(5))")
                let between = missing.filter { !windows.copied.contains($0) }
                print("soak: copytruncate: \(missing.count - between.count) lines were cut away unread, \(between.count) came between copy and cut")
                #expect(between.count < 100)
            } else {
                #expect(missing.isEmpty, "seed \(seed), \(kind.rawValue): missing \(Self.ranges(missing))")
            }
        }
        print("soak: the collector was killed \(kills.collect) times, the aggregator \(kills.aggregate) times")
        #expect(kills.collect + kills.aggregate >= seconds / 10)
        try await sides.stop()
    }

    private static func ranges(_ numbers: [Int]) -> String {
        var ranges: [ClosedRange<Int>] = []
        for number in numbers {
            if let last = ranges.last, last.upperBound + 1 == number {
                ranges[ranges.count - 1] = last.lowerBound...number
            } else {
                ranges.append(number...number)
            }
        }
        return ranges.prefix(20).map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }.joined(separator: " ")
    }

    /// Of the copies that logrotate made: the numbers in them, and those that are not known though a later one of the same copy is.
    private static func unreadEnds(of directory: String, known: Set<Int>) throws -> (copied: Set<Int>, isTorn: [Int]) {
        var copied: Set<Int> = []
        var torn: [Int] = []
        for name in try HostFileSystem().list(directory) {
            let numbers = try HostFileSystem().text("\(directory)/\(name)").split(separator: "\n").compactMap { line -> Int? in
                let words = line.split(separator: " ")
                return words.count > 1 ? Int(words[1]) : nil
            }
            copied.formUnion(numbers)
            let firstUnread = numbers.firstIndex { !known.contains($0) } ?? numbers.endIndex
            torn += numbers[firstUnread...].filter { known.contains($0) }
        }
        return (copied, torn)
    }
}

/// Both programs, which are killed and started again.
private final class Sides: Sendable {
    let liveness = Liveness()
    let aggregateKills = Mutex(0)
    private let place: TemporaryDirectory
    private let configuration: String
    private let offset = FreePorts.offset(for: [10_255, 10_251, 5140, 24_224])
    private let present = Mutex<(aggregate: Aggregate?, collect: Collecting?)>((nil, nil))

    init(place: TemporaryDirectory, configuration: String) {
        self.place = place
        self.configuration = configuration
    }

    func startAggregate() async throws {
        let aggregate = try await Aggregate.start(["--syslog-listen", "off", "--forward-listen", "off"], directory: place, offset: offset)
        present.withLock { $0.aggregate = aggregate }
    }

    func startCollect() async throws {
        let collect = try await Collecting.start([
            "--interval", "60s", "--docker-socket", "none", "--podman-socket", "none", "--containerd-socket", "none", "--crio-socket", "none", "--logs-to",
            "http://127.0.0.1:\(10_251 + offset)", "--logs-config", configuration, "--logs-spool", place.file("spool"),
        ])
        present.withLock { $0.collect = collect }
        liveness.began()
    }

    func kill(until end: ContinuousClock.Instant, seed: UInt64, long: Duration) async throws {
        var random = SeededGenerator(seed: seed &+ 99)
        let middle = ContinuousClock.now + (end - .now) / 2
        var wasAway = false
        while ContinuousClock.now < end {
            try await Task.sleep(for: .milliseconds(1000 + random.below(3000)))
            if !wasAway, ContinuousClock.now > middle {
                wasAway = true
                killAggregate()
                try await Task.sleep(for: long)
                try await startAggregate()
            } else if random.below(2) == 0 {
                let collect = present.withLock { $0.collect }
                liveness.ended()
                collect?.process.kill(SIGKILL)
                _ = collect?.process.wait()
                try await Task.sleep(for: .milliseconds(random.below(1500)))
                try await startCollect()
            } else {
                killAggregate()
                try await Task.sleep(for: .milliseconds(random.below(1500)))
                try await startAggregate()
            }
        }
    }

    private func killAggregate() {
        let aggregate = present.withLock { $0.aggregate }
        aggregate?.process.kill(SIGKILL)
        _ = aggregate?.process.wait()
        aggregateKills.withLock { $0 += 1 }
    }

    /// What is stored once nothing more comes, or a minute has passed.
    func settled(_ written: [SoakWriter.Kind: Int]) async throws -> [SoakWriter.Kind: [Int]] {
        let aggregate = try #require(present.withLock { $0.aggregate })
        var stored: [SoakWriter.Kind: [Int]] = [:]
        var before = -1
        for _ in 0..<30 {
            try await Task.sleep(for: .seconds(2))
            stored = [:]
            for selector in [#"{job="soak"}"#, #"{namespace="shop"}"#] {
                for line in try await aggregate.lines(selector) {
                    let words = line.split(separator: " ")
                    guard words.count > 1, let kind = SoakWriter.Kind(rawValue: String(words[0])), let number = Int(words[1]) else {
                        Issue.record("a line that nobody wrote: \(line)")
                        continue
                    }
                    stored[kind, default: []].append(number)
                }
            }
            let total = stored.values.reduce(0) { $0 + $1.count }
            let isWhole = written.allSatisfy { kind, count in kind == .copytruncate || (stored[kind]?.count ?? 0) >= count }
            if isWhole, total == before { break }
            before = total
        }
        return stored
    }

    func stop() async throws {
        let (aggregate, collect) = present.withLock { $0 }
        #expect(try await collect?.stop() == 0)
        #expect(try await aggregate?.stop() == 0)
    }
}
