import Testing

@testable import LogTail

@Suite struct LineAssemblerTests {
    static let stamp = "2026-03-01T00:00:00.000000001Z"
    static let time: Int64 = 1_772_323_200_000_000_001

    private func run(_ text: String, maximum: Int = 1 << 20) -> (texts: [String], used: Int, assembler: LineAssembler) {
        var assembler = LineAssembler(options: .init(maximumLineBytes: maximum))
        var outputs: [AssembledLine] = []
        let used = assembler.feed(Array(text.utf8), file: 1, at: 0, now: 7, outputs: &outputs)
        return (outputs.map { "\($0.stream.name):\(String(decoding: $0.text, as: UTF8.self))" }, used, assembler)
    }

    @Test func `joins parts per stream and keeps the first part's stamp`() {
        let lines = [
            "\(Self.stamp) stdout P ab", "2026-03-01T00:00:01Z stderr F in between", "2026-03-01T00:00:02Z stdout P cd",
            "2026-03-01T00:00:03Z stdout F ef", "2026-03-01T00:00:04Z stdout F ", "2026-03-01T00:00:05Z stdout F:x tagged", "",
        ]
        var assembler = LineAssembler()
        var outputs: [AssembledLine] = []
        let text = Array(lines.joined(separator: "\n").utf8)
        #expect(assembler.feed(text, file: 1, at: 100, now: 7, outputs: &outputs) == text.count)
        #expect(outputs.map { String(decoding: $0.text, as: UTF8.self) } == ["in between", "abcdef", "", "tagged"])
        #expect(outputs[1].time == Self.time)
        #expect(outputs.last?.end == Int64(100 + text.count))
        #expect(assembler.counts.joined == 1)
    }

    @Test func `reads offsets of time zones and every number of fraction digits`() {
        for (stamp, time) in [
            ("2026-03-01T01:30:00.5+01:30", 1_772_323_200_500_000_000), ("2026-02-28T19:00:00-05:00", 1_772_323_200_000_000_000),
            ("2026-03-01T00:00:00.123456789Z", 1_772_323_200_123_456_789),
        ] as [(String, Int64)] {
            #expect(CRILine.parse(Array("\(stamp) stdout F x".utf8)[...])?.time == time)
        }
    }

    @Test(arguments: ["no stamp at all", "2026-03-01T00:00:00Z stdin F x", "2026-03-01T00:00:00Z stdout X x", "2026-13-01T00:00:00Z stdout F x", ""])
    func `keeps a line of another form whole, at the time of reading`(line: String) {
        var assembler = LineAssembler()
        var outputs: [AssembledLine] = []
        _ = assembler.feed(Array("\(line)\n".utf8), file: 1, at: 0, now: 7, outputs: &outputs)
        #expect(outputs.map(\.text) == [Array(line.utf8)])
        #expect(outputs.first?.time == 7)
        #expect(assembler.counts.unparsed == 1)
    }

    @Test func `leaves an unfinished line unread, and begins again at the oldest waiting part`() {
        let (texts, used, assembler) = run("\(Self.stamp) stdout P ab\n\(Self.stamp) stderr F x\n\(Self.stamp) stdout F unfini")
        #expect(texts == ["stderr:x"])
        #expect(used == 2 * 30 + " stdout P ab\n stderr F x\n".utf8.count)
        #expect(assembler.safeOffset(file: 1, offset: Int64(used)) == 0)
        #expect(assembler.safeOffset(file: 2, offset: 5) == 5)
    }

    @Test func `cuts a line beyond the bound into records and loses no byte`() {
        // As parts of the runtime, and as one physical line.
        let parts = (0..<10).map { "\(Self.stamp) stdout \($0 < 9 ? "P" : "F") \(String(repeating: "\($0)", count: 40))\n" }.joined()
        let joined = run(parts, maximum: 100).texts.map { String($0.dropFirst(7)) }
        #expect(joined.joined() == (0..<10).map { String(repeating: "\($0)", count: 40) }.joined())
        #expect(joined.count > 1 && joined.allSatisfy { $0.utf8.count <= 100 })

        var assembler = LineAssembler(options: .init(maximumLineBytes: 100))
        var outputs: [AssembledLine] = []
        let text = Array("\(Self.stamp) stderr F \(String(repeating: "x", count: 500))\n\(Self.stamp) stdout F next\n".utf8)
        var offset = 0
        while offset < text.count {
            offset += assembler.feed(Array(text[offset..<min(text.count, offset + 200)]), file: 1, at: Int64(offset), now: 7, outputs: &outputs)
        }
        #expect(outputs.dropLast().reduce(0) { $0 + $1.text.count } == 500)
        #expect(outputs.allSatisfy { $0.time == Self.time })
        #expect(outputs.last?.text == Array("next".utf8))
    }

    @Test func `gives out a part whose next part does not come`() {
        var assembler = LineAssembler()
        var outputs: [AssembledLine] = []
        _ = assembler.feed(Array("\(Self.stamp) stdout P half\n".utf8), file: 3, at: 0, now: 0, outputs: &outputs)
        assembler.expire(now: 4_999_999_999, outputs: &outputs)
        #expect(outputs.isEmpty)
        assembler.expire(now: 5_000_000_000, outputs: &outputs)
        #expect(outputs.map(\.text) == [Array("half".utf8)] && assembler.counts.timedOut == 1)
    }

    @Test func `passes bytes that are no UTF-8 through, also when a character is torn between parts`() {
        let bytes = Array("\(Self.stamp) stdout P a".utf8) + [0xC3, 0x0A] + Array("\(Self.stamp) stdout F ".utf8) + [0xA9, 0x00, 0xFF, 0x0D, 0x0A]
        var assembler = LineAssembler()
        var outputs: [AssembledLine] = []
        _ = assembler.feed(bytes, file: 1, at: 0, now: 7, outputs: &outputs)
        #expect(outputs.map(\.text) == [[0x61, 0xC3, 0xA9, 0x00, 0xFF, 0x0D]])
    }
}
