import LogQL
import Pattern
import Runtime
import SQLite
import Telemetry
import TestKit
import Testing

@testable import LogStore

@Suite struct SearchTests {
    /// Lines of few words, so that needles hit, miss and overlap often; some with bytes that are no text.
    private static func corpus(_ random: inout SeededGenerator, _ count: Int) -> [[UInt8]] {
        let words = ["error", "Error", "ERROR", "timeout", "user=17", "id=4bf92f35", "a", "aa", "aaa", "", "\u{00e9}t\u{00e9}", "[x]", "a.b"]
        return (0..<count).map { _ in
            var line: [UInt8] = []
            for _ in 0..<random.below(7) {
                line += Array(words[random.below(words.count)].utf8)
                if random.below(3) > 0 { line.append(0x20) }
                if random.below(20) == 0 { line.append(UInt8(random.below(256))) }
            }
            // Bodies may hold line feeds when a source joins lines.
            return line
        }
    }

    /// The slow twin: what the filters mean, line by line.
    private static func naive(_ line: [UInt8], _ filters: [LineFilter]) -> Bool {
        func lower(_ bytes: [UInt8]) -> [UInt8] { bytes.map { $0 >= 65 && $0 <= 90 ? $0 + 32 : $0 } }
        func has(_ text: [UInt8], _ ignoringCase: Bool) -> Bool {
            let (hay, needle) = ignoringCase ? (lower(line), lower(text)) : (line, text)
            guard needle.count <= hay.count else { return false }
            return (0...hay.count - needle.count).contains { Array(hay[$0..<$0 + needle.count]) == needle }
        }
        return filters.allSatisfy { filter in
            filter.alternatives.contains { alternative in
                switch alternative {
                case .contains(let text, let ignoringCase): has(text, ignoringCase)
                case .matches(let pattern): pattern.matches(line)
                case .pieces(let pieces, let isOpenAtStart, let isOpenAtEnd):
                    naive(line[...], pieces[...], isOpenAtStart, isOpenAtEnd)
                case .test(let test): test(line.span)
                }
            } != filter.isNegated
        }
    }

    /// Every place of every piece is tried.
    private static func naive(_ line: ArraySlice<UInt8>, _ pieces: ArraySlice<[UInt8]>, _ isOpenAtStart: Bool, _ isOpenAtEnd: Bool) -> Bool {
        guard let piece = pieces.first else { return isOpenAtEnd || line.isEmpty }
        guard piece.count <= line.count else { return false }
        return (line.startIndex...line.endIndex - piece.count).contains { place in
            (isOpenAtStart || place == line.startIndex) && line[place..<place + piece.count].elementsEqual(piece)
                && naive(line[(place + piece.count)...], pieces.dropFirst(), true, isOpenAtEnd)
        }
    }

    @Test(arguments: 0..<8) func `finds exactly what a naive search finds, in memory and in chunks`(seed: Int) async throws {
        var random = SeededGenerator(seed: UInt64(seed) + 100)
        let directory = TemporaryDirectory("search")
        var options = options(directory)
        options.chunkBytes = 2000
        let archive = try LogArchive(options, metrics: MetricRegistry())
        let lines = Self.corpus(&random, 600)
        for start in stride(from: 0, to: 600, by: 50) {
            let records = (start..<start + 50).map { LogRecord(time: march + Int64($0 / 3), severity: .info, body: lines[$0]) }
            try await archive.append([LogBatch(stream: stream("p\(start % 3)"), records: records, origin: nil)])
            if start == 400 { try await archive.flush() }
        }
        let needles = ["error", "aa", "a a", "timeout user", "17 id=4bf9", "4bf92f35", "", "\u{00e9}", "b[x", "zzzzzz", "ERROR a"]
        let expressions = ["err.r", "^a", "a$", "[0-9]+ id", "(timeout|user)=?", "x\\]", "^$", "a+ e"]
        for _ in 0..<60 {
            var filters: [LineFilter] = []
            for _ in 0...random.below(3) {
                let alternatives = try (0...random.below(2)).map { _ -> LineFilter.Alternative in
                    let needle = Array(needles[random.below(needles.count)].utf8)
                    let ignoringCase = random.below(2) == 0
                    switch random.below(8) {
                    case 0...3: return .contains(needle, ignoringCase: ignoringCase)
                    case 4...5: return .matches(try Pattern(expressions[random.below(expressions.count)], ignoringCase: ignoringCase))
                    case 6:
                        let pieces = (0...random.below(3)).map { _ in Array(["a", "error", " ", "aa", "4bf"][random.below(5)].utf8) }
                        return .pieces(pieces, isOpenAtStart: random.below(3) > 0, isOpenAtEnd: random.below(3) > 0)
                    default: return .test { $0.count % 3 == 0 }
                    }
                }
                filters.append(LineFilter(alternatives, isNegated: random.below(3) == 0))
            }
            let found = try await archive.read(LogQuery(lines: filters, limit: 1000, direction: .oldest)).lines
            #expect(found.map { Int($0.position.sequence) - 1 } == lines.indices.filter { Self.naive(lines[$0], filters) }, "seed \(seed)")
        }
        try await archive.close()
    }

    @Test func `a signature never rules out a text that is there, and mostly does rule out one that is not`() {
        var random = SeededGenerator(seed: 7)
        func identifier() -> [UInt8] { (0..<32).map { _ in Array("0123456789abcdef".utf8)[random.below(16)] } }
        let identifiers = (0..<4000).map { _ in identifier() }
        let text = identifiers.flatMap { Array("{\"level\":\"info\",\"trace\":\"".utf8) + $0 + Array("\"}\n".utf8) }
        let signature = GramSignature.build(text)
        for known in identifiers.prefix(500) {
            let start = random.below(16)
            #expect(GramSignature.Probe([Array(known[start...])]).allows(signature))
            #expect(GramSignature.Probe([known.map { $0 >= 97 ? $0 - 32 : $0 }]).allows(signature))
        }
        let wrong = (0..<2000).filter { _ in GramSignature.Probe([identifier()]).allows(signature) }.count
        #expect(wrong < 20, "\(wrong) of 2000 foreign identifiers pass")
        #expect(signature.count <= text.count / 10)
        // Too short to say anything.
        #expect(GramSignature.Probe([Array("abcde".utf8)]).isEmpty)
    }

    @Test func `reads what it can of a damaged day file and says what is missing`() async throws {
        let directory = TemporaryDirectory("damage")
        var options = options(directory)
        options.chunkBytes = 1000
        var archive = try LogArchive(options, metrics: MetricRegistry())
        let records = (0..<100).map { record("line \($0) \(String(repeating: "x", count: 40))", at: march + Int64($0)) }
        try await archive.append([LogBatch(stream: stream("a"), records: records, origin: nil)])
        try await archive.close()
        let chunks: Int64 = try {
            let day = try Database(path: directory.file("logs/logs-2026-03-01.db"), durability: .full)
            try day.run("UPDATE text SET body=zeroblob(length(body)) WHERE chunk=2")
            return try day.scalar("SELECT count(*) FROM chunk")?.integer ?? 0
        }()
        #expect(chunks > 3)
        archive = try LogArchive(options, metrics: MetricRegistry())
        let page = try await archive.read(LogQuery(lines: [.contains("line")], limit: 1000))
        #expect(page.statistics.damaged.count == 1 && page.lines.count < 100 && page.lines.count > 50)
        #expect(page.statistics.damaged.first?.hasPrefix("chunk 2 of logs-2026-03-01.db: ") == true)
        try await archive.close()
        // A file that is no database at all is set aside.
        try HostFileSystem().replace(directory.file("logs/logs-2026-03-01.db"), [UInt8](repeating: 7, count: 40_000), mode: 0o600)
        archive = try LogArchive(options, metrics: MetricRegistry())
        #expect(archive.damagedFiles.count == 1)
        #expect(archive.damagedFiles.first?.path.hasSuffix("logs-2026-03-01.db.damaged") == true)
        // The day can be written again.
        try await archive.append([LogBatch(stream: stream("a"), records: [record("again", at: march)], origin: nil)])
        try await archive.flush()
        #expect(try await archive.read(LogQuery()).lines.count == 1)
        try await archive.close()
    }

    @Test(arguments: [
        ("took 31ms for user 7", "took <duration> for user <n>"), ("10.0.0.1:8080 refused", "<ip>:<n> refused"),
        ("id 4bf92f3577b34da6a3ce929d0e0e4736 gone", "id <hex> gone"), ("uuid 123e4567-e89b-12d3-a456-426614174000!", "uuid <uuid>!"),
        ("at 2026-11-24T08:48:41.123Z", "at <time>"), (#"{"msg":"hello there","n":3}"#, #"{"msg":"<str>","n":<n>}"#), ("node-3 up", "node-<n> up"),
        ("plain words only", "plain words only"), ("", ""), ("ptr 0xdeadbeef", "ptr <hex>"), ("v1.2.3", "v<n>.<n>.<n>"),
    ])
    func `masks what varies in a line`(line: String, template: String) {
        #expect(String(decoding: LogTemplate.mask(Array(line.utf8)), as: UTF8.self) == template)
    }

    @Test(arguments: [
        (#"{"level":"error","msg":"took 31ms","n":{"msg":"inner"},"error":"dial 10.0.0.1:80: refused"}"#, "took <duration>: dial <ip>:<n>: refused"),
        (#"{"message":"user \"joe\" left"}"#, #"user \"joe\" left"#), (#"{"a":1,"b":"x"}"#, #"{"a":<n>,"b":"<str>"}"#), ("plain 5", "plain <n>"),
        (#"{"msg":"unfinished"#, #"{"msg":"unfinished"#), (#"{"msg":5,"err":"only 1"}"#, "only <n>"),
    ])
    func `takes the message out of a JSON line`(line: String, template: String) {
        #expect(String(decoding: LogTemplate.of(Array(line.utf8)), as: UTF8.self) == template)
    }
}
