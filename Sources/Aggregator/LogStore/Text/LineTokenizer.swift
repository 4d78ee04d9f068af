/// What kind of value stands in a template's gap. Times carry their form, so that one column has one form.
struct SlotKind: Hashable, Sendable {
    var code: UInt8

    static let text = SlotKind(code: 0)
    /// Decimal digits, at most 18.
    static let number = SlotKind(code: 1)
    static let lowerHex = SlotKind(code: 2)
    static let upperHex = SlotKind(code: 3)
    /// 8-4-4-4-12 hexadecimal digits in lower case.
    static let uuid = SlotKind(code: 4)
    static let address = SlotKind(code: 5)
    static func time(_ form: TimeForm) -> SlotKind { SlotKind(code: form.code | 0x40) }

    var timeForm: TimeForm? { code & 0xC0 == 0x40 ? TimeForm(code: code & 0x3F) : nil }
}

/// Cuts a line into what its kind have in common and what varies from one to the next.
///
/// The rules are for compression and for finding fields, not for beauty: a wrong guess costs bytes, never
/// correctness, since a line is its literals and its slots in order, whatever they are.
struct LineTokenizer {
    struct Slot: Sendable {
        var start: Int32
        var count: Int32
        var kind: SlotKind
    }

    /// The slots of the lines given so far, one after another.
    private(set) var slots: [Slot] = []

    private static let separator: UInt8 = 0
    private static let letter: UInt8 = 1
    private static let hexLetter: UInt8 = 2
    private static let digit: UInt8 = 3
    private static let quote: UInt8 = 4

    private static let classes: [UInt8] = (0...255).map { byte in
        switch UInt8(byte) {
        case 0x30...0x39: digit
        case 0x61...0x66, 0x41...0x46: hexLetter
        case 0x67...0x7A, 0x47...0x5A, 0x5F, 0x80...0xFF: letter
        case 0x22: quote
        default: separator
        }
    }

    /// Cuts `text[range]`; its slots are appended. At level 0 quoted texts and the values of JSON and logfmt become slots of
    /// text, which level 1 cuts again. Returns a hash of the literals and the slots' kinds. O(n).
    mutating func cut(_ text: Span<UInt8>, _ range: Range<Int>, level: Int) -> UInt64 {
        let classTable = Self.classes
        let classes = classTable.span
        let isTop = level == 0
        let isObject = isTop && !range.isEmpty && text[range.lowerBound] == 0x7B
        var hash: UInt64 = 0x9E37_79B9_7F4A_7C15
        var literal = range.lowerBound
        let end = range.upperBound
        var offset = range.lowerBound
        func mix(_ value: UInt64) { hash = (hash ^ value) &* 0xD6E8_FEB8_6659_FD93; hash ^= hash >> 32 }
        func slot(_ start: Int, _ stop: Int, _ kind: SlotKind) {
            Self.hash(text, literal..<start, &hash)
            mix(UInt64(kind.code) | UInt64(start - literal) << 8)
            slots.append(Slot(start: Int32(truncatingIfNeeded: start), count: Int32(truncatingIfNeeded: stop - start), kind: kind))
            literal = stop
            offset = stop
        }
        if isTop, let stop = TimeForm.klog.match(text, offset..<end) { slot(offset + 1, stop, .time(.klog)) }
        while offset < end {
            let kind = classes[Int(text[offset])]
            if kind == Self.separator {
                offset += 1
                continue
            }
            if kind == Self.quote {
                guard isTop, let close = Self.closingQuote(text, offset + 1, end) else {
                    offset += 1
                    continue
                }
                if close + 1 < end, text[close + 1] == 0x3A {
                    offset = close + 1
                } else {
                    slot(offset + 1, close, .text)
                    offset = close + 1
                }
                continue
            }
            let start = offset
            let before: UInt8 = start > range.lowerBound ? text[start - 1] : 0
            if isTop, before == 0x3D || (isObject && before == 0x3A) {
                slot(start, Self.endOfValue(text, start, end, isObject), .text)
                continue
            }
            var digits = 0
            var runs = 0
            var others = 0
            var upper = 0
            var lower = 0
            var firstDigit = 0
            var previous = kind
            while offset < end {
                let byte = text[offset]
                let kind = classes[Int(byte)]
                if kind == Self.digit {
                    digits += 1
                    if runs == 0 || previous != Self.digit {
                        if runs == 0 { firstDigit = offset }
                        runs += 1
                    }
                } else if kind == Self.hexLetter {
                    if byte & 0x20 == 0 { upper += 1 } else { lower += 1 }
                } else if kind == Self.letter {
                    others += 1
                } else {
                    break
                }
                previous = kind
                offset += 1
            }
            guard digits > 0 else { continue }
            let stop = offset
            let count = stop - start
            if digits == count {
                if count <= 4, stop < end, let (form, timeStop) = TimeForm.match(text, start..<end) {
                    slot(start, timeStop, .time(form))
                } else if count <= 3, stop < end, text[stop] == 0x2E, let stop = AddressForm.match(text, start..<end) {
                    slot(start, stop, .address)
                } else if count == 8, let stop = Self.endOfUUID(text, start..<end) {
                    slot(start, stop, .uuid)
                } else {
                    slot(start, stop, count <= 18 ? .number : .lowerHex)
                }
            } else if others == 0, count >= 6, upper == 0 || lower == 0 {
                if count == 8, upper == 0, let stop = Self.endOfUUID(text, start..<end) {
                    slot(start, stop, .uuid)
                } else {
                    slot(start, stop, upper > 0 ? .upperHex : .lowerHex)
                }
            } else if runs == 1, digits <= 18 {
                slot(firstDigit, firstDigit + digits, .number)
                offset = stop
            } else {
                slot(start, stop, .text)
            }
        }
        Self.hash(text, literal..<end, &hash)
        mix(UInt64(end - literal) << 8 | 0xFF)
        return hash
    }

    /// Forgets the slots beyond a count.
    mutating func keep(_ count: Int) { slots.removeLast(slots.count - count) }

    private static func hash(_ text: Span<UInt8>, _ range: Range<Int>, _ hash: inout UInt64) {
        var offset = range.lowerBound
        while offset + 8 <= range.upperBound {
            hash = (hash ^ text.word(at: offset)) &* 0x9FB2_1C65_1E98_DF25
            hash ^= hash >> 29
            offset += 8
        }
        var rest: UInt64 = 0
        while offset < range.upperBound {
            rest = rest << 8 | UInt64(text[offset])
            offset += 1
        }
        hash = (hash ^ rest) &* 0x9FB2_1C65_1E98_DF25
        hash ^= hash >> 29
    }

    /// A hash of one value.
    static func hash(_ text: Span<UInt8>, _ range: Range<Int>) -> UInt64 {
        var value = UInt64(range.count) &* 0xD6E8_FEB8_6659_FD93
        hash(text, range, &value)
        return value
    }

    private static func closingQuote(_ text: Span<UInt8>, _ from: Int, _ end: Int) -> Int? {
        var offset = from
        while offset < end {
            if text[offset] == 0x22 { return offset }
            offset += text[offset] == 0x5C ? 2 : 1
        }
        return nil
    }

    private static func endOfValue(_ text: Span<UInt8>, _ from: Int, _ end: Int, _ isObject: Bool) -> Int {
        var offset = from
        while offset < end {
            switch text[offset] {
            case 0x20, 0x09, 0x22, 0x2C: return offset
            case 0x7D, 0x5D: if isObject { return offset }
            case 0x3B, 0x26, 0x29: if !isObject { return offset }
            default: break
            }
            offset += 1
        }
        return end
    }

    private static func endOfUUID(_ text: Span<UInt8>, _ range: Range<Int>) -> Int? {
        guard range.count >= 36 else { return nil }
        for index in 0..<36 {
            let byte = text[range.lowerBound + index]
            switch index {
            case 8, 13, 18, 23: if byte != 0x2D { return nil }
            default: if !(byte &- 0x30 < 10 || byte &- 0x61 < 6) { return nil }
            }
        }
        let stop = range.lowerBound + 36
        // A longer run of digits is something else.
        return stop < range.upperBound && classes[Int(text[stop])] != separator ? nil : stop
    }
}

extension Span where Element == UInt8 {
    /// Eight bytes, low first.
    func word(at offset: Int) -> UInt64 {
        precondition(offset >= 0 && offset + 8 <= count)
        // In bounds by the line above; any eight bytes are a word.
        return unsafe UInt64(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }
}

/// Dotted IPv4 addresses without leading zeros.
enum AddressForm {
    static func match(_ text: Span<UInt8>, _ range: Range<Int>) -> Int? { parse(text, range)?.stop }

    /// The address that a text begins with, and where it ends; nil if it is none or goes on like something else.
    static func parse(_ text: Span<UInt8>, _ range: Range<Int>) -> (value: Int64, stop: Int)? {
        var offset = range.lowerBound
        var value: Int64 = 0
        for part in 0..<4 {
            if part > 0 {
                guard offset < range.upperBound, text[offset] == 0x2E else { return nil }
                offset += 1
            }
            let start = offset
            var octet: Int64 = 0
            while offset < range.upperBound, text[offset] &- 0x30 < 10, offset - start < 4 {
                octet = octet * 10 + Int64(text[offset] &- 0x30)
                offset += 1
            }
            let count = offset - start
            guard (1...3).contains(count), octet <= 255, count == 1 || text[start] != 0x30 else { return nil }
            value = value << 8 | octet
        }
        if offset < range.upperBound {
            let next = text[offset]
            guard next != 0x2E, !(next &- 0x30 < 10), !((next | 0x20) &- 0x61 < 26), next != 0x5F else { return nil }
        }
        return (value, offset)
    }
}
