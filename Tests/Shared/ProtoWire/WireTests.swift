import Testing

@testable import ProtoWire

@Suite struct WireTests {
    @Test func `what is written reads back`() throws {
        var writer = WireWriter()
        writer.varint(1, 300)
        writer.int64(2, -1)
        writer.zigzag(3, -5)
        writer.double(4, -0.0)
        writer.string(5, "ünde")
        writer.message(16) { $0.packed(1, [1, 2, 70_000] as [UInt64]) }
        writer.packed(17, [1.5, .infinity])
        // 300 is AC 02: the example of the encoding's own document.
        #expect(Array(writer.bytes.prefix(3)) == [0x08, 0xAC, 0x02])
        let bytes = writer.bytes
        let span = bytes.span
        var reader = WireReader(span)
        var seen: [Int] = []
        while try reader.next(span) {
            seen.append(reader.number)
            switch reader.number {
            case 1: #expect(try reader.varint(span) == 300)
            case 2: #expect(Int64(bitPattern: try reader.varint(span)) == -1)
            case 3: #expect(try reader.zigzag(span) == -5)
            case 4: #expect(try reader.double(span).sign == .minus)
            case 5: #expect(try reader.string(span) == "ünde")
            case 16:
                var inner = try reader.message(span)
                #expect(try inner.next(span))
                var values: [UInt64] = []
                try inner.repeated(span, .varint) { (r, b) throws(WireError) in values.append(try r.varint(b)) }
                #expect(values == [1, 2, 70_000])
            default:
                var values: [Double] = []
                try reader.repeated(span, .fixed64) { (r, b) throws(WireError) in values.append(try r.double(b)) }
                #expect(values == [1.5, .infinity])
            }
        }
        #expect(seen == [1, 2, 3, 4, 5, 16, 17])
    }

    static func walk(_ bytes: [UInt8]) throws(WireError) {
        let span = bytes.span
        var reader = WireReader(span)
        while try reader.next(span) { try reader.skip(span) }
    }

    @Test(
        arguments: [
            ([0x08], WireError.truncated(offset: 1)),
            ([0x08, 0xFF], .truncated(offset: 1)),
            ([0x08] + Array(repeating: 0xFF, count: 10), .overlong(offset: 1)),
            ([0x09, 1, 2, 3], .truncated(offset: 1)),
            ([0x0D, 1, 2, 3], .truncated(offset: 1)),
            ([0x0A, 5, 1], .truncated(offset: 1)),
            ([0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1], .truncated(offset: 1)),
            ([0x00], .malformedTag(offset: 0)),
            ([0x0B], .malformedTag(offset: 0)),
        ] as [([UInt8], WireError)])
    func `what is no message is refused`(bytes: [UInt8], error: WireError) {
        #expect(throws: error) { try Self.walk(bytes) }
    }

    @Test(arguments: UInt64(1)...50)
    func `random bytes end in an error or at the end`(seed: UInt64) {
        var random = seed
        for _ in 0..<200 {
            let bytes = (0..<40).map { _ -> UInt8 in
                random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return UInt8(truncatingIfNeeded: random >> 40)
            }
            try? Self.walk(bytes)
        }
    }
}
