import CShims
import Glibc
import Pattern

/// Searches in bytes.
enum TextSearch {
    /// The first place of `needle` that lies wholly in `range`; nil if there is none.
    static func firstIndex(of needle: [UInt8], in text: [UInt8], _ range: Range<Int>) -> Int? {
        precondition(range.lowerBound >= 0 && range.upperBound <= text.count)
        guard !needle.isEmpty else { return range.lowerBound }
        return unsafe text.withUnsafeBytes { hay in
            unsafe needle.withUnsafeBytes { pin in
                guard let base = hay.baseAddress, let pinBase = pin.baseAddress else { return nil }
                // The range lies in the text (checked above), and memmem returns a place in it.
                guard let hit = unsafe binnacle_memmem(base + range.lowerBound, range.count, pinBase, pin.count) else { return nil }
                return unsafe hit - base
            }
        }
    }

    /// Whether `count` bytes from one place are those from another.
    static func isEqual(_ left: [UInt8], _ leftStart: Int, _ right: [UInt8], _ rightStart: Int, _ count: Int) -> Bool {
        precondition(leftStart >= 0 && rightStart >= 0 && count >= 0 && leftStart + count <= left.count && rightStart + count <= right.count)
        guard count > 0 else { return true }
        return unsafe left.withUnsafeBytes { left in
            // Both ranges lie in their arrays (checked above).
            unsafe right.withUnsafeBytes { right in unsafe memcmp(left.baseAddress! + leftStart, right.baseAddress! + rightStart, count) == 0 }
        }
    }

    /// The text with A to Z in lower case.
    static func folded(_ text: [UInt8]) -> [UInt8] {
        let input = text.span
        return [UInt8](capacity: text.count) { output in
            for index in 0..<input.count {
                let byte = input[index]
                // Written without a branch, so that the compiler can use vector instructions.
                output.append(byte | ((byte &- 65 < 26) ? 0x20 : 0))
            }
        }
    }

    /// Whether the pattern matches the part of the text that is a line.
    static func matches(_ pattern: Pattern, _ text: [UInt8], _ range: Range<Int>) -> Bool { pattern.matches(text[range]) }
}
