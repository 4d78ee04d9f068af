/// Small questions about runs of bytes.
enum Bytes {
    static func equal(_ text: Span<UInt8>, at position: Int, _ other: [UInt8]) -> Bool {
        guard position >= 0, position + other.count <= text.count else { return false }
        for index in other.indices where text[position + index] != other[index] { return false }
        return true
    }

    /// The first place at or after `from` where `other` stands.
    static func first(_ other: [UInt8], in text: Span<UInt8>, from: Int) -> Int? {
        guard let head = other.first else { return from <= text.count ? from : nil }
        var position = from
        let end = text.count - other.count
        while position <= end {
            if text[position] == head, equal(text, at: position, other) { return position }
            position += 1
        }
        return nil
    }

    /// The same with ASCII letters in either case.
    static func firstIgnoringCase(_ other: [UInt8], in text: Span<UInt8>) -> Int? {
        var position = 0
        let end = text.count - other.count
        while position <= end {
            var index = 0
            while index < other.count, lower(text[position + index]) == lower(other[index]) { index += 1 }
            if index == other.count { return position }
            position += 1
        }
        return nil
    }

    static func lower(_ byte: UInt8) -> UInt8 { byte &- 65 < 26 ? byte | 0x20 : byte }

    /// Bytes that are no UTF-8 become U+FFFD.
    static func string(_ text: Span<UInt8>, _ range: Range<Int>) -> String {
        let part = text.extracting(range)
        if let valid = try? UTF8Span(validating: part) { return String(copying: valid) }
        return String(decoding: array(text, range), as: UTF8.self)
    }

    static func array(_ text: Span<UInt8>, _ range: Range<Int>) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(range.count)
        for index in range { result.append(text[index]) }
        return result
    }
}
