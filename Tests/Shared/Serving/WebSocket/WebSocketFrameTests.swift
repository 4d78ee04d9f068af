import HTTP
import TestKit
import Testing

@testable import Serving

@Suite struct WebSocketFrameTests {
    private func frames(_ bytes: [UInt8], expectsMask: Bool = false, maximum: Int = 1 << 20) throws -> [WebSocketFrame] {
        var reader = WebSocketFrameReader(expectsMask: expectsMask, maximumBytes: maximum)
        reader.append(bytes)
        var frames: [WebSocketFrame] = []
        while let frame = try reader.next() { frames.append(frame) }
        return frames
    }

    @Test func `the examples of the RFC read and write as given there`() throws {
        // RFC 6455, section 5.7.
        let hello = WebSocketFrame(opcode: .text, payload: Array("Hello".utf8))
        #expect(hello.bytes(mask: nil) == [0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f])
        #expect(hello.bytes(mask: 0x37fa_213d) == [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58])
        #expect(try frames([0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58], expectsMask: true) == [hello])
        #expect(
            try frames([0x01, 0x03, 0x48, 0x65, 0x6c, 0x80, 0x02, 0x6c, 0x6f]) == [
                WebSocketFrame(isFinal: false, opcode: .text, payload: Array("Hel".utf8)),
                WebSocketFrame(opcode: .continuation, payload: Array("lo".utf8)),
            ])
        #expect(WebSocketHandshake.accept("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    }

    @Test func `frames of any length go through any cut, masked or not`() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededGenerator(seed: seed)
        for length in [0, 1, 125, 126, 127, 65_535, 65_536, 200_000] {
            let frame = WebSocketFrame(opcode: .binary, payload: (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 31) })
            for mask in [nil, UInt32.random(in: 1...UInt32.max, using: &random)] {
                let bytes = frame.bytes(mask: mask)
                var reader = WebSocketFrameReader(expectsMask: mask != nil, maximumBytes: 1 << 20)
                var rest = bytes[...]
                var read: [WebSocketFrame] = []
                while !rest.isEmpty {
                    let piece = rest.prefix(Int.random(in: 1...max(1, length / 3 + 3), using: &random))
                    rest = rest.dropFirst(piece.count)
                    reader.append(Array(piece))
                    while let next = try reader.next() { read.append(next) }
                }
                #expect(read == [frame], "\(length) bytes, seed \(seed)")
            }
        }
    }

    @Test(arguments: [
        ([0xC1, 0x00], "reserved bits"), ([0x83, 0x00], "opcode 3"), ([0x81, 0x80, 0, 0, 0, 0], "is masked"), ([0x09, 0x00], "control frame"),
        ([0x89, 0x7E, 0, 126], "control frame"), ([0x82, 0x7E, 0, 5], "shortest"), ([0x82, 0x7F, 0, 0, 0, 0, 0, 0, 0, 1], "shortest"),
        ([0x82, 0x7F, 0xFF, 0, 0, 0, 0, 0, 0, 1], "shortest"), ([0x82, 0x7F, 0, 0, 1, 0, 0, 0, 0, 1], "longer than"),
    ])
    func `what breaks the protocol is an error before its payload is waited for`(bytes: [UInt8], words: String) {
        do {
            _ = try frames(bytes)
            Issue.record("no error for \(bytes)")
        } catch {
            #expect("\(error)".contains(words), "\(error)")
        }
    }

    @Test func `fragments join, control frames stand between them, broken sequences and texts are refused`() throws {
        func events(_ frames: [WebSocketFrame]) throws(WebSocketError) -> [WebSocketAssembler.Event] {
            var assembler = WebSocketAssembler(maximumBytes: 8)
            var events: [WebSocketAssembler.Event] = []
            for frame in frames { if let event = try assembler.accept(frame) { events.append(event) } }
            return events
        }
        let open = WebSocketFrame(isFinal: false, opcode: .text, payload: Array("ab".utf8))
        let end = WebSocketFrame(opcode: .continuation, payload: Array("cd".utf8))
        let ping = WebSocketFrame(opcode: .ping, payload: [1])
        #expect(try events([open, ping, end]) == [.ping([1]), .message(.text(Array("abcd".utf8)))])
        #expect(try events([.close(1001, "bye"), WebSocketFrame(opcode: .close, payload: [])]) == [.close(1001), .close(nil)])
        for (frames, code) in [
            ([end], 1002), ([open, open], 1002), ([WebSocketFrame(opcode: .text, payload: [0xFF])], 1007),
            ([open, WebSocketFrame(opcode: .continuation, payload: [UInt8](repeating: 0, count: 7))], 1009),
            ([WebSocketFrame(opcode: .close, payload: [3])], 1002),
        ] {
            #expect(throws: WebSocketError.self) { _ = try events(frames) }
            do { _ = try events(frames) } catch { #expect(Int(error.code) == code) }
        }
    }
}
