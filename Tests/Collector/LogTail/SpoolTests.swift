import LogParsing
import Runtime
import Synchronization
import Telemetry
import TestKit
import Testing

@testable import LogTail

/// An aggregator that is away when told, refuses some lines, and keeps each line once.
private final class Aggregator: LogSink {
    struct Away: Error {}
    struct State {
        var isAway = false
        var losesAnswers = 0
        var refuses: String?
        var lines: [String] = []
        var stored: Set<String> = []
        var origins: [LogBatch.Origin] = []
        /// What happens while a delivery is on its way.
        var during: (@Sendable () async -> Void)?
    }
    let state = Mutex(State())

    func append(_ batches: [LogBatch]) async throws {
        await state.withLock { $0.during }?()
        let isLost = try state.withLock { state in
            if state.isAway { throw Away() }
            let texts = batches.flatMap { $0.records.map { String(decoding: $0.body, as: UTF8.self) } }
            if let refused = state.refuses, texts.contains(where: { $0 == refused || $0.hasPrefix("\(refused) ") }) { throw LogRefusal("no \(refused)") }
            state.origins += batches.compactMap(\.origin)
            for batch in batches {
                for (record, end) in zip(batch.records, batch.ends) where state.stored.insert("\(batch.origin?.file ?? "")@\(end)").inserted {
                    state.lines.append(String(decoding: record.body, as: UTF8.self))
                }
            }
            guard state.losesAnswers > 0 else { return false }
            state.losesAnswers -= 1
            return true
        }
        if isLost { throw Away() }
    }
    var lines: [String] { state.withLock { $0.lines } }
}

@Suite struct SpoolTests {
    private func batch(_ numbers: Range<Int>, padding: Int = 0) -> LogBatch {
        // Padding that does not compress.
        var random = SeededGenerator(seed: UInt64(numbers.lowerBound + 1))
        return LogBatch(
            stream: ["pod": "a"],
            records: numbers.map { number in
                let noise = (0..<padding).map { _ in UInt8(ascii: "a") + UInt8(random.below(26)) }
                return LogRecord(time: Int64(number) * 1_000_000_000, severity: .info, body: Array("line \(number)\(padding > 0 ? " " : "")".utf8) + noise)
            },
            origin: .init(node: "n", file: "f", start: Int64(numbers.lowerBound), end: Int64(numbers.upperBound)), ends: numbers.map { Int64($0 + 1) })
    }

    private func spool(
        _ place: TemporaryDirectory, _ sink: Aggregator, _ registry: MetricRegistry = MetricRegistry(), _ change: (inout SpoolOptions) -> Void = { _ in }
    )
        throws -> LogSpool
    {
        var options = SpoolOptions()
        change(&options)
        return try LogSpool(path: place.file("spool.db"), options: options, node: "n", sink: sink, metrics: registry)
    }

    @Test func `keeps deliveries while the aggregator is away, over a restart, and sends each once in order`() async throws {
        let place = TemporaryDirectory("spool")
        let sink = Aggregator()
        sink.state.withLock { $0.isAway = true }
        var present: LogSpool? = try spool(place, sink)
        for index in 0..<5 { try await present?.append([batch(index * 10..<index * 10 + 10)]) }
        await #expect(throws: Aggregator.Away.self) { try await present?.drain() }
        present = nil
        sink.state.withLock {
            $0.isAway = false
            $0.losesAnswers = 1
        }
        let next = try spool(place, sink)
        await #expect(throws: Aggregator.Away.self) { try await next.drain() }
        try await next.drain()
        #expect(sink.lines == (0..<50).map { "line \($0)" })
    }

    @Test func `blocks when it is full, or leaves out and tells`() async throws {
        for policy in SpoolOptions.WhenFull.allCases {
            let place = TemporaryDirectory("spool")
            let sink = Aggregator()
            let registry = MetricRegistry()
            let full = try spool(place, sink, registry) {
                $0.maximumBytes = 20_000
                $0.whenFull = policy
            }
            var refused = 0
            for index in 0..<10 {
                do { try await full.append([batch(index * 10..<index * 10 + 10, padding: 500)]) } catch is SpoolFull { refused += 1 }
            }
            try await full.drain()
            let numbers = sink.lines.compactMap { $0.hasPrefix("line") ? Int($0.split(separator: " ")[1]) : nil }
            let tales = sink.lines.filter { $0.contains("by rule spool") }
            switch policy {
            case .block:
                #expect(refused > 0 && tales.isEmpty && numbers == Array(0..<numbers.count))
            case .dropNewest:
                #expect(refused == 0 && numbers == Array(0..<numbers.count) && tales.count == 1 && tales[0].hasPrefix("\(100 - numbers.count) lines"))
            case .dropOldest:
                #expect(refused == 0 && numbers == Array(100 - numbers.count..<100) && tales.count == 1 && tales[0].hasPrefix("\(100 - numbers.count) lines"))
            }
            #expect(numbers.count > 20 && numbers.count < 90)
            let dropped = registry.counter("binnacle_log_spool_dropped_lines_total", "").value
            #expect(dropped == (policy == .block ? 0 : UInt64(100 - numbers.count)))
        }
    }

    /// The store bears 64 gaps in what it has of a file.
    @Test func `what is left out or refused leaves no gap in what the store has of a file`() async throws {
        let place = TemporaryDirectory("spool")
        let sink = Aggregator()
        let present = try spool(place, sink) {
            $0.maximumBytes = 9000
            $0.whenFull = .dropNewest
        }
        for round in 0..<100 {
            // Of three deliveries the last finds no room.
            for part in 0..<3 {
                let start = round * 30 + part * 10
                try await present.append([batch(start..<start + 10, padding: 600)])
            }
            sink.state.withLock { $0.refuses = round % 2 == 0 ? "line \(round * 30 + 3)" : nil }
            try await present.drain()
        }
        #expect(try await present.refusals().count < 60)
        var covered: [Range<Int64>] = []
        for origin in sink.state.withLock({ $0.origins }).sorted(by: { $0.start < $1.start }) where origin.file == "f" {
            if let last = covered.last, origin.start <= last.upperBound {
                covered[covered.count - 1] = last.lowerBound..<max(last.upperBound, origin.end)
            } else {
                covered.append(origin.start..<origin.end)
            }
        }
        #expect(covered.count == 1, "\(covered.count) ranges")
        let lines = sink.lines.filter { !$0.contains("by rule") }
        #expect(Set(lines).count == lines.count && lines.count > 1500 && lines.count < 2500, "\(lines.count)")
    }

    @Test func `a disk without room stops reading under any policy, and lets go on when there is some`() async throws {
        let place = TemporaryDirectory("spool")
        let free = Mutex<Int64>(4 << 20)
        var options = SpoolOptions()
        options.whenFull = .dropOldest
        let sink = Aggregator()
        let present = try LogSpool(
            path: place.file("spool.db"), options: options, node: "n", sink: sink, metrics: MetricRegistry(), clock: SystemClock(),
            freeBytes: { _ in free.withLock { $0 } })
        do {
            try await present.append([batch(0..<10)])
            Issue.record("it was taken")
        } catch let full as SpoolFull {
            #expect(full.description.contains("has only 4194304 bytes left"))
        }
        free.withLock { $0 = 5 << 20 }
        try await present.append([batch(0..<10)])
        try await present.drain()
        #expect(sink.lines == numberedLines(0..<10))
        #expect(DiskRoom.free(place.path) ?? 0 > 0)
    }

    @Test func `one delivery is let in however small the spool, and none is left out while it is on its way`() async throws {
        let place = TemporaryDirectory("spool")
        let sink = Aggregator()
        let present = try spool(place, sink) {
            $0.maximumBytes = 10
            $0.whenFull = .dropOldest
        }
        try await present.append([batch(0..<10)])
        sink.state.withLock { $0.during = { try? await present.append([self.batch(10..<20)]) } }
        #expect(try await present.forward())
        sink.state.withLock { $0.during = nil }
        try await present.drain()
        #expect(sink.lines == numberedLines(0..<20))
    }

    private func numberedLines(_ range: Range<Int>) -> [String] { range.map { "line \($0)" } }

    @Test func `finds the one record that is refused and sets it aside with the reason`() async throws {
        let place = TemporaryDirectory("spool")
        let sink = Aggregator()
        sink.state.withLock { $0.refuses = "line 7" }
        let present = try spool(place, sink)
        try await present.append([batch(0..<10), batch(10..<12)])
        try await present.drain()
        #expect(sink.lines == (0..<12).filter { $0 != 7 }.map { "line \($0)" })
        let refusals = try await present.refusals()
        #expect(refusals.map(\.reason) == ["no line 7"] && refusals[0].batches[0].records.count == 1)
    }

    @Test(arguments: UInt64(1)...20) func `writes batches as bytes and reads them back, and refuses other bytes`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let batches = (0..<random.below(4)).map { _ in
            let count = random.below(5)
            let hasOrigin = random.below(2) == 0
            var end: Int64 = 3
            return LogBatch(
                stream: Labels((0..<random.below(4)).map { ("l\($0)", "v\(random.next())") }),
                records: (0..<count).map { _ in
                    LogRecord(
                        time: Int64(bitPattern: random.next()), severity: LogRecord.Severity(rawValue: UInt8(random.below(7))) ?? .unknown,
                        body: (0..<random.below(40)).map { _ in UInt8(random.below(256)) }, fields: random.below(2) == 0 ? [:] : ["a": "b"])
                }, origin: hasOrigin ? .init(node: "n", file: "f", start: 3, end: Int64(random.below(1000)) + 3) : nil,
                ends: hasOrigin
                    ? (0..<count).map { _ in
                        end += Int64(random.below(50))
                        return end
                    } : [])
        }
        let bytes = LogBatchCodec.encode(batches)
        let read = try LogBatchCodec.decode(bytes)
        #expect(read.map(\.stream) == batches.map(\.stream) && read.map(\.records) == batches.map(\.records))
        #expect(read.map(\.origin) == batches.map(\.origin) && read.map(\.ends) == batches.map(\.ends))
        for length in 0..<bytes.count { #expect(throws: LogBatchCodecError.self) { try LogBatchCodec.decode(Array(bytes[..<length])) } }
        for _ in 0..<50 {
            var changed = bytes
            changed[random.below(changed.count)] = UInt8(random.below(256))
            _ = try? LogBatchCodec.decode(changed)
        }
    }
}
