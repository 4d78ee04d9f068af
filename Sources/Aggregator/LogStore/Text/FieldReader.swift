import LogQL

/// Gives a field of a chunk's rows from its column, without writing the lines out.
enum FieldReader {
    private static let maximumDistinct = 1 << 20

    /// nil if some of the rows are of templates whose field is not certain.
    /// - Parameters:
    ///   - rows: the wanted rows, ascending.
    ///   - times: the time of each row of the chunk.
    static func json(_ field: String, _ opened: TextFrame.Opened, rows: [Int], times: [Int64]) throws(CodingError) -> FieldColumn? {
        guard case .templates(let templates, let reference, _) = opened.node else { return nil }
        let members = try opened.loader.members(reference, count: times.count, templates: templates.count)
        // For each row of the chunk its place in the answer; -1 if it is not wanted.
        var places = [Int32](repeating: -1, count: times.count)
        for (place, row) in rows.enumerated() { places[row] = Int32(truncatingIfNeeded: place) }
        guard members[0].allSatisfy({ places[Int($0)] < 0 }) else { return nil }
        var builder = Builder(count: rows.count)
        for (index, template) in templates.enumerated() {
            let own = members[index + 1]
            guard own.contains(where: { places[Int($0)] >= 0 }) else { continue }
            guard let fields = TemplateFields(json: template) else { return nil }
            switch fields.values[field] {
            case nil: continue
            case .literal(let bytes):
                guard bytes != Array("null".utf8) else { continue }
                let value = builder.number(of: bytes[...])
                for row in own where places[Int(row)] >= 0 { builder.rows[Int(places[Int(row)])] = value }
            case .quoted(let gap), .bare(let gap):
                let isBare = if case .bare = fields.values[field] { true } else { false }
                let column = try opened.loader.load(template.gaps[gap], count: own.count)
                guard try builder.add(column, own, places, times, isBare: isBare), builder.values.count <= maximumDistinct else { return nil }
            }
        }
        return FieldColumn(values: builder.values, rows: builder.rows)
    }

    private struct Builder {
        var values: [String] = []
        var rows: [Int32]
        private var numbers: [ArraySlice<UInt8>: Int32] = [:]

        init(count: Int) { rows = Array(repeating: -1, count: count) }

        /// The value's number; -1 for an empty one, which is as good as absent.
        mutating func number(of bytes: ArraySlice<UInt8>) -> Int32 {
            guard !bytes.isEmpty else { return -1 }
            if let known = numbers[bytes] { return known }
            let number = Int32(truncatingIfNeeded: values.count)
            numbers[bytes] = number
            values.append(String(decoding: bytes, as: UTF8.self))
            return number
        }

        /// Whether a value stands for itself: without escapes, and text.
        private static func isPlain(_ bytes: ArraySlice<UInt8>) -> Bool {
            bytes.allSatisfy { $0 != 0x5C && $0 >= 0x20 && $0 < 0x80 }
                || (!bytes.contains { $0 == 0x5C || $0 < 0x20 } && String(validating: bytes, as: UTF8.self) != nil)
        }

        /// What a parser makes of a bare value: a number or a Boolean as it stands; nothing of null; nil if it is something else.
        private mutating func bare(_ bytes: ArraySlice<UInt8>) -> Int32? {
            guard let first = bytes.first else { return nil }
            if first == 0x6E { return bytes.elementsEqual("null".utf8) ? -1 : nil }
            if first == 0x74 || first == 0x66 { return bytes.elementsEqual("true".utf8) || bytes.elementsEqual("false".utf8) ? number(of: bytes) : nil }
            // Digits alone; others have forms that a parser may write differently or refuse.
            guard bytes.allSatisfy({ $0 &- 0x30 < 10 }), bytes.count == 1 || first != 0x30 else { return nil }
            return number(of: bytes)
        }

        private mutating func number(of bytes: ArraySlice<UInt8>, isBare: Bool) -> Int32? {
            if isBare { return bare(bytes) }
            return Self.isPlain(bytes) ? number(of: bytes) : nil
        }

        mutating func add(_ column: TextColumn, _ own: [Int32], _ places: [Int32], _ times: [Int64], isBare: Bool) throws(CodingError) -> Bool {
            switch column {
            case .constant(let bytes):
                guard let number = number(of: bytes[...], isBare: isBare) else { return false }
                for row in own where places[Int(row)] >= 0 { rows[Int(places[Int(row)])] = number }
            case .dictionary(let list, let ids):
                var known = [Int32](repeating: -2, count: list.count)
                for (index, row) in own.enumerated() where places[Int(row)] >= 0 {
                    let id = Int(ids[index])
                    if known[id] == -2 {
                        guard let number = number(of: list.bytes[list.range(id)], isBare: isBare) else { return false }
                        known[id] = number
                    }
                    rows[Int(places[Int(row)])] = known[id]
                }
            default:
                let text = try TextFrame.render(column, times: own.map { times[Int($0)] }, expected: nil)
                for (index, row) in own.enumerated() where places[Int(row)] >= 0 {
                    guard let number = number(of: text.bytes[text.starts[index]..<text.ends[index]], isBare: isBare) else { return false }
                    rows[Int(places[Int(row)])] = number
                }
            }
            return true
        }
    }
}
