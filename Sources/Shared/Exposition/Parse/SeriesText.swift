import ProtoWire
import Telemetry

/// Reads what names a series in the text formats: `name{label="value",…}`, or with quoted names
/// `{"the.name","a label"="value"}` as format 1.0.0 and OpenMetrics have them.
public enum SeriesText {
    /// The labels in the range, which `PageReader` found. Labels without a value are left out; a name that comes twice is refused.
    public static func labels(_ bytes: Span<UInt8>, _ range: Range<Int>, line: Int) throws(ExpositionError) -> Labels {
        var list: [Labels.Label] = []
        var offset = range.lowerBound
        let end = range.upperBound
        while offset < end, isNameByte(bytes[offset]) { offset += 1 }
        if offset > range.lowerBound { list.append(.init(Labels.metricName, String(copying: bytes, range.lowerBound..<offset))) }
        skipBlanks(bytes, &offset, end)
        if offset < end { try braces(bytes, &offset, end, line, &list) }
        return try labels(list, line: line)
    }

    /// Sorts and checks.
    static func labels(_ list: [Labels.Label], line: Int) throws(ExpositionError) -> Labels {
        var list = list.filter { !$0.value.isEmpty }
        list.sort { $0.name < $1.name }
        for position in list.indices.dropFirst() where list[position].name == list[position - 1].name {
            throw ExpositionError(line: line, problem: "the label \(list[position].name) comes twice")
        }
        return Labels(sortedUnchecked: list)
    }

    /// `{a="b",…}` into the list.
    static func braces(
        _ bytes: Span<UInt8>, _ offset: inout Int, _ end: Int, _ line: Int, _ list: inout [Labels.Label]
    ) throws(ExpositionError) {
        func problem(_ text: String) -> ExpositionError { ExpositionError(line: line, problem: text) }
        guard offset < end, bytes[offset] == UInt8(ascii: "{") else { throw problem("expected {") }
        offset += 1
        var isFirst = true
        while true {
            skipBlanks(bytes, &offset, end)
            guard offset < end else { throw problem("the labels do not end with }") }
            if bytes[offset] == UInt8(ascii: "}") {
                offset += 1
                return
            }
            let isQuoted = bytes[offset] == 0x22
            let name: String
            if isQuoted {
                name = try quoted(bytes, &offset, end, line)
            } else {
                let start = offset
                while offset < end, isNameByte(bytes[offset]), bytes[offset] != UInt8(ascii: ":") { offset += 1 }
                guard offset > start, !(0x30...0x39).contains(bytes[start]) else { throw problem("a label's name is missing") }
                name = String(copying: bytes, start..<offset)
            }
            skipBlanks(bytes, &offset, end)
            if offset < end, bytes[offset] == UInt8(ascii: "=") {
                offset += 1
                skipBlanks(bytes, &offset, end)
                let value = try quoted(bytes, &offset, end, line)
                guard !name.isEmpty else { throw problem("a label's name is empty") }
                list.append(.init(name, value))
            } else {
                // A quoted text alone is the metric's name.
                guard isQuoted, isFirst, !list.contains(where: { $0.name == Labels.metricName }) else { throw problem("the label \(name) has no value") }
                list.append(.init(Labels.metricName, name))
            }
            isFirst = false
            skipBlanks(bytes, &offset, end)
            guard offset < end else { throw problem("the labels do not end with }") }
            if bytes[offset] == UInt8(ascii: ",") {
                offset += 1
            } else if bytes[offset] != UInt8(ascii: "}") {
                throw problem("expected , or } after the label \(name)")
            }
        }
    }

    /// A text in quotes with `\\`, `\"` and `\n`; must be UTF-8.
    static func quoted(_ bytes: Span<UInt8>, _ offset: inout Int, _ end: Int, _ line: Int) throws(ExpositionError) -> String {
        guard offset < end, bytes[offset] == 0x22 else { throw ExpositionError(line: line, problem: "expected a text in quotes") }
        offset += 1
        let start = offset
        var hasEscape = false
        while offset < end, bytes[offset] != 0x22 {
            if bytes[offset] == 0x5C {
                hasEscape = true
                offset += 1
            }
            offset += 1
        }
        guard offset < end else { throw ExpositionError(line: line, problem: "a text in quotes does not end") }
        let range = start..<offset
        offset += 1
        let text = hasEscape ? unescaped(bytes, range) : String(validating: bytes, range)
        guard let text else { throw ExpositionError(line: line, problem: "a text in quotes is no UTF-8") }
        return text
    }

    static func unescaped(_ bytes: Span<UInt8>, _ range: Range<Int>) -> String? {
        var text: [UInt8] = []
        text.reserveCapacity(range.count)
        var offset = range.lowerBound
        while offset < range.upperBound {
            let byte = bytes[offset]
            offset += 1
            guard byte == 0x5C, offset < range.upperBound else {
                text.append(byte)
                continue
            }
            switch bytes[offset] {
            case UInt8(ascii: "n"): text.append(0x0A)
            case 0x5C: text.append(0x5C)
            case 0x22: text.append(0x22)
            default: text += [0x5C, bytes[offset]]
            }
            offset += 1
        }
        let span = text.span
        return String(validating: span, 0..<span.count)
    }

    static func skipBlanks(_ bytes: Span<UInt8>, _ offset: inout Int, _ end: Int) {
        while offset < end, bytes[offset] == 0x20 || bytes[offset] == 0x09 { offset += 1 }
    }

    @inlinable
    static func isNameByte(_ byte: UInt8) -> Bool {
        let lower = byte | 0x20
        return lower >= 0x61 && lower <= 0x7A || byte == 0x5F || byte == 0x3A || byte >= 0x30 && byte <= 0x39
    }
}

extension String {
    /// The text in the range; nil if it is no UTF-8.
    init?(validating bytes: Span<UInt8>, _ range: Range<Int>) {
        // The span's own bounds hold for the buffer, which does not outlive the closure.
        let text = unsafe bytes.extracting(range).withUnsafeBufferPointer { unsafe String(validating: $0, as: UTF8.self) }
        guard let text else { return nil }
        self = text
    }
}
