import Exposition
import ProtoWire

/// Takes a line of InfluxDB's protocol apart: `measurement,tag=value field=1i,other="text" 1700000000000000000`.
///
/// (Syntax: docs.influxdata.com, "Line protocol": commas, blanks, equals signs are escaped by `\` outside of quotes.)
struct LineProtocol {
    enum Value: Hashable {
        case number(Double)
        /// Not a metric's value: left out and counted.
        case text
    }
    struct Field {
        var name: Range<Int>
        var value: Value
    }

    /// The measurement with its tags: what names the series but for the field.
    private(set) var head = 0..<0
    private(set) var fields: [Field] = []
    /// In the precision that the request says.
    private(set) var timestamp: Int64?

    /// Reads the line in the range; false if it is empty or a comment.
    mutating func read(_ bytes: Span<UInt8>, _ line: Range<Int>) throws(IngestError) -> Bool {
        fields.removeAll(keepingCapacity: true)
        timestamp = nil
        var offset = line.lowerBound
        var end = line.upperBound
        while end > offset, bytes[end - 1] == 0x0D || bytes[end - 1] == 0x20 { end -= 1 }
        while offset < end, bytes[offset] == 0x20 { offset += 1 }
        guard offset < end, bytes[offset] != UInt8(ascii: "#") else { return false }
        let start = offset
        while offset < end, bytes[offset] != 0x20 { offset += bytes[offset] == 0x5C ? 2 : 1 }
        guard offset < end else { throw IngestError(400, "missing fields") }
        head = start..<offset
        guard bytes[start] != 0x2C else { throw IngestError(400, "missing measurement") }
        while offset < end, bytes[offset] == 0x20 { offset += 1 }
        try readFields(bytes, &offset, end)
        while offset < end, bytes[offset] == 0x20 { offset += 1 }
        guard offset < end else { return true }
        guard let time = DecimalNumber.integer(bytes, &offset, end: end), offset == end else { throw IngestError(400, "bad timestamp") }
        timestamp = time
        return true
    }

    private mutating func readFields(_ bytes: Span<UInt8>, _ offset: inout Int, _ end: Int) throws(IngestError) {
        while true {
            let nameStart = offset
            while offset < end, bytes[offset] != UInt8(ascii: "="), bytes[offset] != 0x20 { offset += bytes[offset] == 0x5C ? 2 : 1 }
            guard offset < end, bytes[offset] == UInt8(ascii: "="), offset > nameStart else { throw IngestError(400, "invalid field format") }
            let name = nameStart..<offset
            offset += 1
            fields.append(Field(name: name, value: try value(bytes, &offset, end)))
            guard offset < end, bytes[offset] == 0x2C else {
                guard offset >= end || bytes[offset] == 0x20 else { throw IngestError(400, "something follows a field's value") }
                return
            }
            offset += 1
        }
    }

    private func value(_ bytes: Span<UInt8>, _ offset: inout Int, _ end: Int) throws(IngestError) -> Value {
        guard offset < end else { throw IngestError(400, "missing field value") }
        if bytes[offset] == 0x22 {
            offset += 1
            while offset < end, bytes[offset] != 0x22 { offset += bytes[offset] == 0x5C ? 2 : 1 }
            guard offset < end else { throw IngestError(400, "unbalanced quotes") }
            offset += 1
            return .text
        }
        let start = offset
        while offset < end, bytes[offset] != 0x2C, bytes[offset] != 0x20 { offset += 1 }
        guard offset > start else { throw IngestError(400, "missing field value") }
        let last = bytes[offset - 1]
        if last == UInt8(ascii: "i") || last == UInt8(ascii: "u") {
            let text = String(copying: bytes, start..<offset - 1)
            if last == UInt8(ascii: "i"), let whole = Int64(text) { return .number(Double(whole)) }
            if last == UInt8(ascii: "u"), let whole = UInt64(text) { return .number(Double(whole)) }
            throw IngestError(400, "invalid number")
        }
        var place = start
        let first = bytes[start] | 0x20
        if first == UInt8(ascii: "t") || first == UInt8(ascii: "f") {
            switch String(copying: bytes, start..<offset) {
            case "t", "T", "true", "True", "TRUE": return .number(1)
            case "f", "F", "false", "False", "FALSE": return .number(0)
            default: throw IngestError(400, "invalid boolean")
            }
        }
        // InfluxDB has no NaN and no infinities, but what sends them means them.
        guard let number = DecimalNumber.double(bytes, &place, end: offset), place == offset else { throw IngestError(400, "invalid number") }
        return .number(number)
    }

    /// The measurement and the tags of a head, unescaped.
    static func names(_ bytes: Span<UInt8>, _ head: Range<Int>) throws(IngestError) -> (measurement: String, tags: [(String, String)]) {
        var parts: [[UInt8]] = [[]]
        var tags: [(String, String)] = []
        var offset = head.lowerBound
        var measurement: String?
        func close() throws(IngestError) {
            if measurement == nil {
                measurement = String(decoding: parts[0], as: UTF8.self)
            } else {
                guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else { throw IngestError(400, "missing tag key or value") }
                tags.append((String(decoding: parts[0], as: UTF8.self), String(decoding: parts[1], as: UTF8.self)))
            }
            parts = [[]]
        }
        while offset < head.upperBound {
            let byte = bytes[offset]
            offset += 1
            switch byte {
            case 0x5C where offset < head.upperBound && [0x2C, 0x20, 0x3D, 0x5C].contains(bytes[offset]):
                parts[parts.count - 1].append(bytes[offset])
                offset += 1
            case 0x2C: try close()
            case 0x3D where measurement != nil && parts.count == 1: parts.append([])
            default: parts[parts.count - 1].append(byte)
            }
        }
        try close()
        return (measurement ?? "", tags)
    }

    /// A field's name, unescaped.
    static func fieldName(_ bytes: Span<UInt8>, _ range: Range<Int>) -> String {
        var name: [UInt8] = []
        var offset = range.lowerBound
        while offset < range.upperBound {
            if bytes[offset] == 0x5C, offset + 1 < range.upperBound, [0x2C, 0x20, 0x3D, 0x5C].contains(bytes[offset + 1]) { offset += 1 }
            name.append(bytes[offset])
            offset += 1
        }
        return String(decoding: name, as: UTF8.self)
    }
}
