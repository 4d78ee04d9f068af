import LogQL
import Telemetry
import TestKit
import Testing
import Zstd

@testable import LogStore

/// Lines by their templates: exact whatever they hold, and smaller.
@Suite struct TextFrameTests {
    private static func text(_ lines: [[UInt8]]) -> LogText {
        var text = LogText(bytes: [], starts: [], ends: [])
        for line in lines {
            text.starts.append(text.bytes.count)
            text.bytes += line
            text.ends.append(text.bytes.count)
            text.bytes.append(0x0A)
        }
        return text
    }

    private static func decode(_ encoded: TextFrame.Encoded, times: [Int64]) throws -> LogText {
        let opened = try TextFrame.open(encoded.body) { range in
            guard range.upperBound <= encoded.segments.count else { throw CodingError("the columns end too early") }
            return Array(encoded.segments[range])
        }
        return try TextFrame.render(try opened.loader.load(opened.node, count: times.count), times: times, expected: nil)
    }

    private static let shapes: [@Sendable (inout SeededGenerator) -> String] = [
        { r in "plain \(r.below(1_000_000)) words" },
        { r in
            #"{"ts":"2026-03-01T00:\#(10 + r.below(50)):0\#(r.below(10)).\#(100 + r.below(900))Z","level":"\#(["info", "warn"][r.below(2)])","n":\#(r.below(90)),"msg":"took \#(r.below(99))ms","x":{"y":[1,"a \"q\" b",true,null]}}"#
        },
        { r in "id=4bf92f3577b34da6a3ce929d0e0e\(1000 + r.below(9000)) u=123e4567-e89b-12d3-a456-4266141740\(10 + r.below(90))" },
        { r in
            "10.\(r.below(256)).0.\(r.below(256)) - - [0\(1 + r.below(9))/Nov/2026:13:55:36 +0000] \"GET /p/\(r.below(9999))?q=\(r.below(9)) HTTP/1.1\" 200 00\(r.below(10))"
        },
        { r in "I1124 08:48:41.\(100_000 + r.below(900_000))    1234 kubelet.go:2481] \"Pod\" pod=\"ns/x-\(r.below(5))\"" },
        { r in "DEADBEEF\(10 + r.below(90)) 0x\(r.below(9))ff3a1 A1B2C3D\(r.below(10)) 12345678901234567890\(r.below(10))" },
        { r in "007 0\(r.below(100)) \(r.below(100)) 1.5e\(r.below(9)) 999.999.999.999 1.2.3.4.5 01.2.3.\(r.below(9)) v1.2.\(r.below(9))" },
        { r in "" }, { r in "\"" }, { r in "{" }, { r in "a=" }, { r in "k=\"v \(r.below(3))\" k2=v\(r.below(40)),k3=\"\\\"\"" },
        { r in "2026-02-30T99:00:00 2026-13-01 0229 1900-01-01T00:00:00.1234567890Z 2262-04-11T23:47:16.854775807Z" },
        { r in "multi\nline \(r.below(7))\r\n\tat x.y(Z.java:\(r.below(300)))" }, { r in String(repeating: "x", count: r.below(3000)) },
    ]

    @Test(arguments: 0..<12) func `every line comes back byte for byte`(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed) + 40)
        var lines: [[UInt8]] = []
        let used = (0...random.below(6)).map { _ in random.below(Self.shapes.count) }
        for _ in 0..<random.below(800) + 1 {
            var line = Array(Self.shapes[used[random.below(used.count)]](&random).utf8)
            // Now and then a byte is wrong, so that what looks like a time or an address is none.
            if random.below(6) == 0, !line.isEmpty { line[random.below(line.count)] = UInt8(random.below(256)) }
            lines.append(line)
        }
        let times = lines.indices.map { _ in random.below(9) == 0 ? Int64(bitPattern: random.next()) : march + Int64(random.below(1_000_000_000)) }
        for level in [0, 1] {
            let encoded = TextFrame.encode(Self.text(lines), times: times, level: level, compressor: ZstdCompressor(level: 3), isThorough: seed % 2 == 0)
            let again = try Self.decode(encoded, times: times)
            #expect(zip(again.starts, again.ends).map { Array(again.bytes[$0..<$1]) } == lines, "seed \(seed)")
        }
    }

    @Test func `regular lines take much less than zstd needs`() throws {
        var random = SeededGenerator(seed: 2)
        let lines = (0..<5000).map { _ in Array(Self.shapes[1 + random.below(4)](&random).utf8) }
        let times = lines.indices.map { march + Int64($0) * 1_000_000 }
        let encoded = TextFrame.encode(Self.text(lines), times: times, compressor: ZstdCompressor(level: 3))
        let plain = ZstdCompressor(level: 3).compress(Self.text(lines).bytes).count
        #expect(encoded.storedBytes * 10 < plain * 8, "\(encoded.storedBytes) against \(plain)")
    }

    @Test func `damage anywhere is told and never traps`() throws {
        var random = SeededGenerator(seed: 9)
        let lines = (0..<300).map { _ in Array(Self.shapes[random.below(Self.shapes.count)](&random).utf8) }
        let times = lines.indices.map { march + Int64($0) }
        let encoded = TextFrame.encode(Self.text(lines), times: times, compressor: ZstdCompressor(level: 3))
        var told = 0
        for _ in 0..<400 {
            var damaged = encoded
            if random.below(2) == 0 {
                damaged.body[random.below(damaged.body.count)] ^= UInt8(1 + random.below(255))
            } else {
                damaged.segments[random.below(damaged.segments.count)] ^= UInt8(1 + random.below(255))
            }
            do { _ = try Self.decode(damaged, times: times) } catch { told += 1 }
        }
        #expect(told == 400)
        // Behind the checksums, too: trees and columns of nonsense.
        for _ in 0..<3000 {
            let small = (0..<random.below(200)).map { _ in UInt8(random.below(256)) }
            let tree = (0..<random.below(60)).map { _ in UInt8(random.below(random.below(2) == 0 ? 14 : 256)) }
            var reader = TextNodeReader(tree, smallBytes: small.count)
            guard let node = try? reader.root() else { continue }
            let loader = TextColumnLoader { reference throws(CodingError) in
                switch reference {
                case .small(let range): return Array(small[range])
                case .segment: throw CodingError("none")
                }
            }
            guard let column = try? loader.load(node, count: 5) else { continue }
            _ = try? TextFrame.render(column, times: [1, 2, .min, .max, 5], expected: nil)
        }
    }

    @Test func `numbers of every size come back`() throws {
        var random = SeededGenerator(seed: 4)
        for _ in 0..<300 {
            let shift = UInt64(random.below(64))
            var walk: Int64 = 0
            let values = (0..<random.below(300)).map { _ -> Int64 in
                walk &+= Int64(random.below(1000))
                return shift == 0 ? walk : Int64(bitPattern: random.next() >> shift)
            }
            #expect(try NumberColumn.decode(NumberColumn.encode(values), count: values.count) == values)
        }
        #expect(try NumberColumn.decode(NumberColumn.encode([.min, .max, 0, -1]), count: 4) == [.min, .max, 0, -1])
        for value: UInt64 in [0, 9, 10, 99, 100, 12345, .max, 9_999_999_999, 10_000_000_000] { #expect(TextOutput.digits(value) == "\(value)".utf8.count) }
    }
}
