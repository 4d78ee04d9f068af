import CShims
import Glibc
import Runtime
import TestKit
import Testing

@testable import ContainerRuntime

@Suite struct LogFramingTests {
    /// 2026-01-02T03:04:05.000000007Z
    static let time: Int64 = 1_767_323_045_000_000_007

    func write(_ path: String, _ pieces: [(stream: Int32, bytes: [UInt8])], rotate: Int64 = 0, limit: Int32 = 5) throws {
        guard let log = unsafe binnacle_log_open(path, rotate, limit) else { throw FileError("open", path) }
        for (index, piece) in pieces.enumerated() {
            // A new second for each piece, so that each may rotate.
            unsafe piece.bytes.withUnsafeBytes {
                unsafe binnacle_log_write(
                    log, piece.stream, $0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count, Self.time + Int64(index) * 1_000_000_000)
            }
        }
        unsafe binnacle_log_close(log, Self.time)
    }

    func canOpen(_ path: String) -> Bool { unsafe binnacle_log_open(path, 0, 5) != nil }

    func lines(_ path: String) throws -> [[UInt8]] {
        try HostFileSystem().read(path).split(separator: 10, omittingEmptySubsequences: false).dropLast().map(Array.init)
    }

    @Test func `frames lines with time, stream and tag`() throws {
        let directory = TemporaryDirectory("cri")
        try write(
            directory.file("0.log"), [(1, Array("a\n\nb".utf8)), (2, Array("e\r\n".utf8)), (1, Array("c\n2026-01-01T00:00:00Z stderr F forged\nrest".utf8))])
        #expect(
            try HostFileSystem().text(directory.file("0.log")) == """
                2026-01-02T03:04:05.000000007Z stdout F a
                2026-01-02T03:04:05.000000007Z stdout F\u{20}
                2026-01-02T03:04:06.000000007Z stderr F e\r
                2026-01-02T03:04:07.000000007Z stdout F bc
                2026-01-02T03:04:07.000000007Z stdout F 2026-01-01T00:00:00Z stderr F forged
                2026-01-02T03:04:05.000000007Z stdout F rest

                """)
        #expect(try HostFileSystem().status(directory.file("0.log")).mode & 0o777 == 0o640)
    }

    @Test func `puts any bytes together again, whatever the cuts`() throws {
        let seed = UInt64.random(in: 0 ... .max)
        print("seed \(seed)")
        var random = SeededGenerator(seed: seed)
        for round in 0..<30 {
            let directory = TemporaryDirectory("cri")
            let count = Int.random(in: 1...100_000, using: &random), newlineOneIn = [3, 100, 20_000, 40_000].randomElement(using: &random)!
            let text = (0..<count).map { _ in Int.random(in: 0..<newlineOneIn, using: &random) == 0 ? 10 : UInt8.random(in: 11...255, using: &random) }
            var pieces: [(stream: Int32, bytes: [UInt8])] = []
            var rest = text[...]
            while !rest.isEmpty {
                let size = min(rest.count, Int.random(in: 1...[10, 5000, 65_536].randomElement(using: &random)!, using: &random))
                pieces.append((1, Array(rest.prefix(size))))
                rest = rest.dropFirst(size)
            }
            try write(directory.file("0.log"), pieces)
            var joined: [UInt8] = []
            for line in try lines(directory.file("0.log")) {
                #expect(line.count <= 40 + 16_384)
                joined += line.dropFirst(40)
                if line[38] == UInt8(ascii: "F") { joined.append(10) }
            }
            if text.last != 10 { joined.removeLast() }
            #expect(joined == text, "round \(round)")
        }
    }

    @Test(arguments: [(16_383, "F"), (16_384, "F"), (16_385, "PF"), (32_768, "PF"), (32_769, "PPF")]) func `cuts at 16 KiB`(count: Int, tags: String) throws {
        let directory = TemporaryDirectory("cri")
        try write(directory.file("0.log"), [(2, [UInt8](repeating: 65, count: count) + [10])])
        #expect(String(decoding: try lines(directory.file("0.log")).map { $0[38] }, as: UTF8.self) == tags)
    }

    @Test func `rotates between lines and keeps as many files as asked`() throws {
        let directory = TemporaryDirectory("cri")
        try write(directory.file("0.log"), (0..<10).map { (1, Array(String(repeating: "\($0)", count: 100).utf8) + [10]) }, rotate: 200, limit: 3)
        let names = try HostFileSystem().list(directory.path)
        #expect(names == ["0.log", "0.log.20260102-030412", "0.log.20260102-030414"])
        let all = try names.flatMap { try lines(directory.file($0)) }
        #expect(all.allSatisfy { $0.count == 140 })
    }

    @Test func `never writes through a link or into a pipe`() throws {
        let directory = TemporaryDirectory("cri")
        guard unsafe symlink(directory.file("target"), directory.file("0.log")) == 0 else { throw FileError("link", directory.path) }
        #expect(!canOpen(directory.file("0.log")))
        #expect(!HostFileSystem().exists(directory.file("target")))
        guard unsafe mkfifo(directory.file("1.log"), 0o600) == 0 else { throw FileError("make the pipe", directory.path) }
        #expect(!canOpen(directory.file("1.log")))
    }
}
