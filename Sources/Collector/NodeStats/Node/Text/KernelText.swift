import Exposition
import Glibc

/// The text of one file of /proc or /sys, walked line by line and word by word without making strings.
///
/// It owns its buffer, so that one buffer serves every file of a round. Words are separated by spaces and tabs; a
/// number that is not all digits, or that 64 bits cannot hold, is no number (nil), never a wrong one.
struct KernelText {
    /// Beyond this a file is cut: nothing that this collector reads comes near.
    static let byteLimit = 4 << 20

    private(set) var bytes: [UInt8]
    /// Bytes of the file that was read last.
    private(set) var count = 0
    /// The next byte of the current line.
    private(set) var position = 0
    /// One past the last byte of the current line, without its newline.
    private(set) var lineEnd = 0
    private var nextLineStart = 0

    init(capacity: Int = 64 << 10) { bytes = [UInt8](repeating: 0, count: capacity) }

    /// A text from memory, for tests and for what is read as a string.
    init(_ text: String) {
        bytes = Array(text.utf8)
        count = bytes.count
    }

    // MARK: filling

    /// Reads a descriptor from its start to its end. A seq_file gives at most a page at a time, so a short read does
    /// not mean the end. Returns 0, or the errno of what failed.
    mutating func fill(from descriptor: Int32) -> Int32 {
        count = 0
        rewind()
        while true {
            if count == bytes.count {
                if count >= Self.byteLimit { return 0 }
                bytes.append(contentsOf: repeatElement(0, count: max(4096, bytes.count)))
            }
            let offset = count
            // The range is inside the buffer: offset < bytes.count.
            let got = unsafe bytes.withUnsafeMutableBytes { buffer in
                unsafe pread(descriptor, buffer.baseAddress! + offset, buffer.count - offset, off_t(offset))
            }
            if got == 0 { return 0 }
            if got < 0 {
                if errno == EINTR { continue }
                count = 0
                return errno
            }
            count += got
        }
    }

    // MARK: lines

    mutating func rewind() { (position, lineEnd, nextLineStart) = (0, 0, 0) }

    /// Moves to the next line; false after the last.
    mutating func nextLine() -> Bool {
        guard nextLineStart < count else { return false }
        position = nextLineStart
        let start = position
        // memchr looks only at [start, count), which the buffer holds.
        lineEnd = unsafe bytes.withUnsafeBytes { buffer in
            guard let found = unsafe memchr(buffer.baseAddress! + start, 0x0A, count - start) else { return count }
            return unsafe UnsafeRawPointer(found) - buffer.baseAddress!
        }
        nextLineStart = lineEnd + 1
        return true
    }

    // MARK: words of the current line

    /// The next word; nil at the end of the line.
    mutating func word() -> Range<Int>? {
        while position < lineEnd, bytes[position] == 0x20 || bytes[position] == 0x09 { position += 1 }
        let start = position
        while position < lineEnd, bytes[position] != 0x20, bytes[position] != 0x09 { position += 1 }
        return start < position ? start..<position : nil
    }

    /// The bytes before `byte`, which is passed over; nil (and nothing moves) if the line has no such byte any more.
    mutating func upTo(_ byte: UInt8) -> Range<Int>? {
        while position < lineEnd, bytes[position] == 0x20 { position += 1 }
        var end = position
        while end < lineEnd, bytes[end] != byte { end += 1 }
        guard end < lineEnd else { return nil }
        defer { position = end + 1 }
        return position..<end
    }

    /// What is left of the line, without spaces around it.
    mutating func rest() -> Range<Int> {
        while position < lineEnd, bytes[position] == 0x20 || bytes[position] == 0x09 { position += 1 }
        var end = lineEnd
        while end > position, bytes[end - 1] == 0x20 || bytes[end - 1] == 0x09 { end -= 1 }
        defer { position = lineEnd }
        return position..<end
    }

    mutating func skip(_ words: Int) {
        for _ in 0..<words where word() == nil { return }
    }

    /// The next word as a whole number.
    mutating func number() -> UInt64? { word().flatMap { number(in: $0) } }

    /// The next word as a number of base 16, without `0x`.
    mutating func hexadecimal() -> UInt64? { word().flatMap { hexadecimal(in: $0) } }

    // MARK: ranges

    func number(in range: Range<Int>) -> UInt64? {
        guard !range.isEmpty else { return nil }
        var value: UInt64 = 0
        for index in range {
            let digit = bytes[index] &- 0x30
            guard digit <= 9 else { return nil }
            let (tenfold, overflowed) = value.multipliedReportingOverflow(by: 10)
            let (sum, carried) = tenfold.addingReportingOverflow(UInt64(digit))
            if overflowed || carried { return nil }
            value = sum
        }
        return value
    }

    func hexadecimal(in range: Range<Int>) -> UInt64? {
        guard !range.isEmpty, range.count <= 16 else { return nil }
        var value: UInt64 = 0
        for index in range {
            switch bytes[index] {
            case let byte where byte &- 0x30 <= 9: value = value << 4 | UInt64(byte &- 0x30)
            case let byte where (byte | 0x20) &- 0x61 <= 5: value = value << 4 | UInt64((byte | 0x20) &- 0x61 + 10)
            default: return nil
            }
        }
        return value
    }

    /// A number with a sign before it or a fraction behind it, with the digits that are written: `-3`, `0.39`.
    func decimal(in range: Range<Int>) -> MetricValue? {
        var range = range
        let isNegative = !range.isEmpty && bytes[range.lowerBound] == 0x2D
        if isNegative { range = (range.lowerBound + 1)..<range.upperBound }
        var digits: Int?
        var mantissa: Int64 = 0
        var isEmpty = true
        for index in range {
            if bytes[index] == 0x2E, digits == nil {
                digits = 0
                continue
            }
            let digit = bytes[index] &- 0x30
            guard digit <= 9 else { return nil }
            isEmpty = false
            let (tenfold, overflowed) = mantissa.multipliedReportingOverflow(by: 10)
            let (sum, carried) = tenfold.addingReportingOverflow(Int64(digit))
            if overflowed || carried { return nil }
            mantissa = sum
            if digits != nil { digits! += 1 }
        }
        return isEmpty ? nil : .decimal(isNegative ? -mantissa : mantissa, digits: digits ?? 0)
    }

    func equals(_ range: Range<Int>, _ text: StaticString) -> Bool {
        range.count == text.utf8CodeUnitCount && hasPrefix(range, text)
    }

    func hasPrefix(_ range: Range<Int>, _ text: StaticString) -> Bool {
        let length = text.utf8CodeUnitCount
        guard range.count >= length else { return false }
        return text.withUTF8Buffer { buffer in
            for index in 0..<length where unsafe buffer[index] != bytes[range.lowerBound + index] { return false }
            return true
        }
    }

    /// FNV-1a of the bytes, by which a series is told from its neighbour without making a string.
    func key(_ range: Range<Int>, seed: UInt64 = 0xcbf2_9ce4_8422_2325) -> UInt64 {
        var hash = seed
        for index in range { hash = (hash ^ UInt64(bytes[index])) &* 0x0100_0000_01b3 }
        return hash
    }

    /// Invalid UTF-8 becomes U+FFFD.
    func string(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }
}

extension KernelText {
    /// The key of a string, for series that are named on the slow path.
    static func key(of text: String, seed: UInt64 = 0xcbf2_9ce4_8422_2325) -> UInt64 {
        text.utf8.reduce(seed) { ($0 ^ UInt64($1)) &* 0x0100_0000_01b3 }
    }
}
