import LogQL
import Runtime
import SQLite
import Telemetry
import TestKit
import Testing

@testable import LogStore

/// Signatures side by side say what they say alone.
@Suite struct SignatureGroupTests {
    private static func identifier(_ random: inout SeededGenerator) -> [UInt8] { (0..<32).map { _ in Array("0123456789abcdef".utf8)[random.below(16)] } }

    @Test(arguments: [1, 3, 64, 65, 200, 256]) func `candidates are the members whose own bitmaps allow the needle`(count: Int) throws {
        var random = SeededGenerator(seed: UInt64(count))
        var identifiers: [[UInt8]] = []
        let signatures = (0..<count).map { member -> [UInt8] in
            let own = (0..<(1 + random.below(60))).map { _ in Self.identifier(&random) }
            identifiers.append(own[0])
            // One bitmap in fifty is missing.
            return member % 50 == 49 ? [] : GramSignature.build(Array(own.joined(separator: [0x0A])))
        }
        let bits = signatures.map { $0.count * 8 }.max() ?? 8
        let group = SignatureGroup(id: 3, bits: bits, members: (0..<Int64(count)).map { $0 * 2 + 1 })
        let again = try #require(SignatureGroup(id: 3, bits: bits, members: group.memberBytes, checksum: group.checksum))
        #expect(again.members == group.members)
        #expect(SignatureGroup(id: 4, bits: bits, members: group.memberBytes, checksum: group.checksum) == nil)
        var pages = group.pages(of: signatures)
        #expect(pages.count == group.pageCount && pages.allSatisfy { $0.count <= 4020 })
        func candidates(_ needle: [UInt8], _ pages: [[UInt8]]) -> [Bool] {
            group.candidates(GramSignature.Probe([needle])) { pages[$0] }
        }
        let foreign = (0..<40).map { _ in Self.identifier(&random) }
        for needle in foreign + identifiers.prefix(40) {
            let probe = GramSignature.Probe([needle])
            #expect(candidates(needle, pages) == signatures.map { probe.allows($0) })
        }
        for (member, signature) in (group.signatures { pages[$0] } ?? []).enumerated() {
            let own = signatures[member]
            let wanted: [UInt8] = signature.indices.map { own.isEmpty ? 0xFF : own[$0 % own.count] }
            #expect(signature == wanted, "member \(member)")
        }
        // A damaged page rules nothing out, a sound one goes on ruling out.
        for page in pages.indices { pages[page][random.below(pages[page].count)] ^= 1 }
        #expect(candidates(Self.identifier(&random), pages).allSatisfy { $0 })
        #expect(group.signatures { pages[$0] } == nil)
    }

    @Test func `plans groups of 64, joins four, and leaves small chunks to compaction`() {
        func chunk(_ id: Int64, _ bytes: Int = 4000) -> DayReader.Chunk {
            DayReader.Chunk(id: id, minimumTime: 0, maximumTime: 1, severityMask: 1, streams: [1], rawBytes: bytes, count: 3)
        }
        var chunks: [DayReader.Chunk] = []
        for id in 1...300 { chunks.append(chunk(Int64(id), id % 10 == 0 ? 100 : 4000)) }
        let large: [Int64] = chunks.filter { $0.rawBytes > 100 }.map { $0.id }
        func plan(_ groups: [SignatureGroup], isOver: Bool = false) -> GroupPlan? { .choose(chunks, groups, target: 4000, isOver: isOver) }
        #expect(plan([]) == .group(Array(large[0..<64])))
        let groups = (0..<4).map { (number: Int) -> SignatureGroup in
            let start = number * 64
            return SignatureGroup(id: Int64(number + 1), bits: 512, members: Array(large[start..<start + 64]))
        }
        #expect(plan(Array(groups[0..<3])) == .group(Array(large[192..<256])))
        #expect(plan(groups) == .join([1, 2, 3, 4]))
        let joined = SignatureGroup(id: 5, bits: 512, members: Array(large[0..<256]))
        #expect(plan([joined]) == nil)
        #expect(plan([joined], isOver: true) == nil)
        #expect(plan(Array(groups[0..<3]), isOver: true) == .group(Array(large[192..<256])))
    }

    @Test func `a store with groups finds all, reads few chunks, and forgets what is purged`() async throws {
        let directory = TemporaryDirectory("groups")
        var options = options(directory)
        options.chunkBytes = 600
        let archive = try LogArchive(options, metrics: MetricRegistry())
        var random = SeededGenerator(seed: 77)
        let identifiers = (0..<1400).map { _ in Self.identifier(&random) }
        let records = identifiers.enumerated().map { index, text in
            LogRecord(time: march + Int64(index), severity: .info, body: Array("id=".utf8) + text)
        }
        for start in stride(from: 0, to: 1400, by: 350) {
            try await archive.append([LogBatch(stream: stream("a"), records: Array(records[start..<start + 350]), origin: nil)])
            try await archive.flush()
        }
        while try await archive.writer.groupOnce(now: march) {}
        let reader = try archive.cache.reader(DayFile.day(of: march))
        let groups = try reader.groups().map(\.members.count)
        #expect(groups.reduce(0, +) >= 64 && groups.allSatisfy { $0 == 64 || $0 == 256 })
        func find(_ index: Int) async throws -> (lines: Int, statistics: LogStatistics) {
            let page = try await archive.read(LogQuery(lines: [.contains(String(decoding: identifiers[index], as: UTF8.self))]))
            return (page.lines.count, page.statistics)
        }
        var looked = 0
        for index in stride(from: 0, to: 1400, by: 35) {
            let (lines, statistics) = try await find(index)
            #expect(lines == 1)
            looked += statistics.chunks - statistics.chunksSkipped
        }
        #expect(looked < 60, "\(looked) chunks for 40 lines")
        #expect(try await archive.check().damaged == [])
        // Deleted, replaced and purged: the group holds nothing of it, and finds the rest.
        _ = try await archive.delete(LogDeletion([], in: march..<march + 100))
        try await archive.maintain()
        try await archive.writer.purge(now: march)
        try await archive.writer.purge(now: march)
        #expect(try await find(7).lines == 0)
        #expect(try await find(700).lines == 1)
        #expect(try await archive.check().damaged == [])
        let alive = Set(try reader.chunks(from: .min, through: .max, newest: .max - 1).map(\.id))
        #expect(try reader.groups().flatMap(\.members).allSatisfy { alive.contains($0) })
        // A damaged page costs time, not lines.
        try Database(path: directory.file("logs/logs-2026-03-01.db"), durability: .full).execute("UPDATE slice SET body=zeroblob(length(body))")
        #expect(try await find(700).lines == 1)
        #expect(try await !archive.check().damaged.isEmpty)
        try await archive.close()
    }
}
