import Exposition
import Testing

@testable import NodeStats

@Suite struct KernelTextTests {
    private func text(_ string: String) -> KernelText {
        var text = KernelText(string)
        _ = text.nextLine()
        return text
    }

    @Test(
        arguments: [
            ("0", 0), ("18446744073709551615", UInt64.max), ("18446744073709551616", nil), ("99999999999999999999999", nil), ("", nil), ("-1", nil),
            ("max", nil), ("12x", nil), ("007", 7),
        ] as [(String, UInt64?)])
    func `a number is what 64 bits hold, or none`(written: String, expected: UInt64?) {
        var text = text(written)
        #expect(text.number() == expected)
    }

    @Test(
        arguments: [
            ("0.39", 0.39), ("-3", -3), ("34.721", 34.721), ("5", 5), ("1.2.3", nil), ("-", nil), (".", nil), ("", nil), ("9223372036854775808", nil),
        ] as [(String, Double?)])
    func `a decimal keeps its digits`(written: String, expected: Double?) {
        let text = text(written)
        #expect(text.decimal(in: 0..<written.utf8.count)?.double == expected)
    }

    @Test(arguments: [("ff", 255), ("00073837", 0x73837), ("FFFFFFFFFFFFFFFF", UInt64.max), ("10000000000000000", nil), ("0x1", nil)] as [(String, UInt64?)])
    func `base 16`(written: String, expected: UInt64?) {
        var text = text(written)
        #expect(text.hexadecimal() == expected)
    }

    @Test func `walks lines and words, with and without a last newline`() {
        for ending in ["", "\n"] {
            var text = KernelText("a  1\t2\n\n b: 3 rest of it \(ending)")
            var lines: [[String]] = []
            while text.nextLine() {
                var words: [String] = []
                while let word = text.word() { words.append(text.string(word)) }
                lines.append(words)
            }
            #expect(lines == [["a", "1", "2"], [], ["b:", "3", "rest", "of", "it"]])
        }
    }

    @Test func `what no seq_file gives at once is read to its end`() throws {
        // The kernel hands out at most a page of this file at a time.
        let file = KernelFile("/proc/self/smaps")
        var text = KernelText(capacity: 4096)
        try file.read(into: &text)
        #expect(text.count > 8192)
        var keys: Set<String> = []
        while text.nextLine() { if let word = text.word() { keys.insert(text.string(word)) } }
        #expect(keys.contains("VmFlags:"))
        let first = text.count
        try file.read(into: &text)
        #expect(text.count > first / 2)
    }

    @Test func `numbers printed and read are the same`() {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        var state = seed
        func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state >> UInt64(state & 63)
        }
        for _ in 0..<2000 {
            let value = next()
            var one = text("key \(value) \(String(value, radix: 16))")
            one.skip(1)
            #expect(one.number() == value)
            #expect(one.hexadecimal() == value)
            #expect(one.number() == nil)
        }
    }
}
