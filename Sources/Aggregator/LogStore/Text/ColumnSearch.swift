import LogQL

/// Looks for a text in a chunk's lines without writing them out.
///
/// A line is literals and gaps. What a template's literals hold all its lines hold; what stands in a gap is looked for
/// in the gap's column, and not at all where the gap's kind cannot hold it; only where the text might lie across the edge of a
/// gap must the line itself be looked at. So a word is found by reading a dictionary, and no identifier is unpacked for it.
struct ColumnSearch {
    enum Verdict {
        static let no: UInt8 = 0
        static let yes: UInt8 = 1
        /// Only the line can tell.
        static let maybe: UInt8 = 2
    }

    /// Not empty; in lower case if `isFolded`.
    private let needle: [UInt8]
    private let isFolded: Bool
    private let loader: TextColumnLoader
    private let count: Int
    /// The time of each row of the chunk; asked for only where a time must be written out.
    private let times: () throws(CodingError) -> [Int64]

    /// - Parameter count: the chunk's rows.
    init(_ needle: [UInt8], isFolded: Bool, loader: TextColumnLoader, count: Int, times: @escaping () throws(CodingError) -> [Int64]) {
        self.needle = needle
        self.isFolded = isFolded
        self.loader = loader
        self.count = count
        self.times = times
    }

    /// A verdict for each row of the chunk; nil: all no.
    func verdicts(_ node: TextNode) throws(CodingError) -> [UInt8]? { try verdicts(node, rows: (0..<Int32(count)).map { $0 }) }

    /// A column's texts written out.
    private func text(_ node: TextNode, rows: [Int32]) throws(CodingError) -> LogText {
        let column = try loader.load(node, count: rows.count)
        guard column.holdsTimes else { return try TextFrame.render(column, times: Array(repeating: 0, count: rows.count), expected: nil) }
        let all = try times()
        guard all.count == count else { throw CodingError("its times are of \(all.count) rows, not \(count)") }
        return try TextFrame.render(column, times: rows.map { all[Int($0)] }, expected: nil)
    }

    /// nil: all no.
    /// - Parameter rows: for each text the row of the chunk that it belongs to.
    private func verdicts(_ node: TextNode, rows: [Int32]) throws(CodingError) -> [UInt8]? {
        switch node {
        case .templates(let templates, let numbers, let others): return try verdicts(templates, numbers, others, rows: rows)
        case .constant(let reference):
            return has(try loader.bytes(reference)) ? Array(repeating: Verdict.yes, count: rows.count) : nil
        case .dictionary(let count, let lengths, let bytes, let ids):
            let list = try TextList(lengths: try loader.numbers(lengths, count: count), bytes: try loader.bytes(bytes))
            guard let known = verdicts(list.bytes, starts: Array(list.offsets.dropLast()), ends: Array(list.offsets.dropFirst())) else { return nil }
            let packed = try loader.bytes(ids)
            if let (base, range) = try NumberColumn.singlePlane(packed, count: rows.count) {
                return try Self.verdicts(packed, range, base: base, known, count: rows.count)
            }
            let numbers = try NumberColumn.decode(packed, count: rows.count)
            guard numbers.allSatisfy({ $0 >= 0 && $0 < Int64(count) }) else { throw CodingError("a dictionary lacks a text") }
            return numbers.map { known[Int($0)] }
        case .number where needle.count > 18, .address where needle.count > 15: return nil
        case .padded(let width, _) where needle.count > width: return nil
        case .time(let form, _, _) where needle.count > form.byteCount: return nil
        case .hex(let form, let width, _, let packed) where width > 0 && needle.count >= width && form != .uuid:
            guard needle.count == width else { return nil }
            return try verdicts(hex: form, width: width, try loader.bytes(packed), count: rows.count)
        case .hex(let form, let width, _, let packed) where width > 0 && needle.count >= 6 && form != .uuid:
            return try verdicts(hex: form, width: width, partIn: try loader.bytes(packed), count: rows.count)
        case .hex(.uuid, _, _, _) where needle.count > 36: return nil
        default:
            let text = try text(node, rows: rows)
            return verdicts(text.bytes, starts: text.starts, ends: text.ends)
        }
    }

    /// The verdicts of texts by their numbers in a dictionary, each the base and a byte.
    /// - Parameter known: the verdicts of the dictionary's texts.
    private static func verdicts(_ bytes: [UInt8], _ range: Range<Int>, base: Int64, _ known: [UInt8], count: Int) throws(CodingError) -> [UInt8] {
        let missing: UInt8 = 0x80
        var table = [UInt8](repeating: missing, count: 256)
        for (number, verdict) in known.enumerated() {
            let (place, overflow) = Int64(number).subtractingReportingOverflow(base)
            if !overflow, place >= 0, place < 256 { table[Int(place)] = verdict }
        }
        var result: [UInt8] = []
        var seen: UInt8 = 0
        if range.isEmpty {
            seen = table[0]
            result = Array(repeating: seen, count: count)
        } else {
            result.reserveCapacity(count)
            for byte in bytes[range] {
                let verdict = table[Int(byte)]
                result.append(verdict)
                seen |= verdict
            }
        }
        guard seen & missing == 0 else { throw CodingError("a dictionary lacks a text") }
        return result
    }

    private func verdicts(
        _ templates: [TextTemplate], _ numbers: ColumnReference, _ others: TextNode, rows: [Int32]
    ) throws(CodingError) -> [UInt8]? {
        let members = try loader.members(numbers, count: rows.count, templates: templates.count)
        var result: [UInt8]?
        func note(_ own: [Int32], _ verdicts: [UInt8]) {
            var all = result ?? Array(repeating: Verdict.no, count: rows.count)
            for (index, member) in own.enumerated() where verdicts[index] != Verdict.no && all[Int(member)] != Verdict.yes {
                all[Int(member)] = verdicts[index]
            }
            result = all
        }
        if !members[0].isEmpty, let found = try verdicts(others, rows: members[0].map { rows[Int($0)] }) { note(members[0], found) }
        for (index, template) in templates.enumerated() {
            let own = members[index + 1]
            guard !own.isEmpty else { continue }
            let ownRows = own.map { rows[Int($0)] }
            let literals = isFolded ? template.literals.map { TextSearch.folded($0) } : template.literals
            if literals.contains(where: { TextSearch.firstIndex(of: needle, in: $0, 0..<$0.count) != nil }) {
                note(own, Array(repeating: Verdict.yes, count: own.count))
                continue
            }
            for (gap, edges) in edges(literals, template.kinds) {
                guard let gap else {
                    note(own, Array(repeating: Verdict.maybe, count: own.count))
                    continue
                }
                note(own, try verdicts(template.gaps[gap], at: edges, rows: ownRows))
            }
            for (gap, kind) in zip(template.gaps, template.kinds) where needle.allSatisfy({ canHold(kind, $0) }) {
                if let found = try verdicts(gap, rows: ownRows) { note(own, found) }
            }
        }
        return result
    }

    /// Where the needle may lie across an edge between a literal and a gap: so many of its bytes before the edge.
    private struct Edge {
        var split: Int
        /// Whether the literal stands before the gap.
        var isBefore: Bool
        /// Whether the literal covers its side of the needle; if not, more than the gap's value must be known.
        var isCovered: Bool
    }

    /// The edges by gap; nil: two gaps stand side by side, and only the line can tell.
    private func edges(_ literals: [[UInt8]], _ kinds: [SlotKind]) -> [(gap: Int?, edges: [Edge])] {
        var found: [(gap: Int?, edges: [Edge])] = []
        for (index, kind) in kinds.enumerated() {
            let (left, right) = (literals[index], literals[index + 1])
            if left.isEmpty, index > 0 { return [(nil, [])] }
            var edges: [Edge] = []
            for split in 1..<max(1, needle.count) {
                if !left.isEmpty, canHold(kind, needle[split]) {
                    let size = min(split, left.count)
                    if left.suffix(size).elementsEqual(needle[split - size..<split]) {
                        edges.append(Edge(split: split, isBefore: true, isCovered: split <= left.count))
                    }
                }
                if !right.isEmpty, canHold(kind, needle[split - 1]) {
                    let size = min(needle.count - split, right.count)
                    if right.prefix(size).elementsEqual(needle[split..<split + size]) {
                        edges.append(Edge(split: split, isBefore: false, isCovered: needle.count - split <= right.count))
                    }
                }
            }
            if !edges.isEmpty { found.append((index, edges)) }
        }
        return found
    }

    /// What a gap's values say of the edges.
    private func verdicts(_ gap: TextNode, at edges: [Edge], rows: [Int32]) throws(CodingError) -> [UInt8] {
        let text = try text(gap, rows: rows)
        let bytes = isFolded ? TextSearch.folded(text.bytes) : text.bytes
        return rows.indices.map { index in
            var verdict = Verdict.no
            for edge in edges where verdict != Verdict.yes {
                let (start, end) = (text.starts[index], text.ends[index])
                let wanted = edge.isBefore ? edge.split..<needle.count : 0..<edge.split
                let size = min(end - start, wanted.count)
                let (place, part) = edge.isBefore ? (start, wanted.lowerBound) : (end - size, wanted.upperBound - size)
                guard TextSearch.isEqual(bytes, place, needle, part, size) else { continue }
                verdict = size == wanted.count && edge.isCovered ? Verdict.yes : Verdict.maybe
            }
            return verdict
        }
    }

    /// Whether a gap of the kind may hold the byte; never false where it may.
    private func canHold(_ kind: SlotKind, _ byte: UInt8) -> Bool {
        let isDigit = byte &- 0x30 < 10
        switch kind {
        case .number: return isDigit
        case .lowerHex: return isDigit || byte &- 0x61 < 6
        case .upperHex: return isDigit || byte &- (isFolded ? 0x61 : 0x41) < 6
        case .uuid: return isDigit || byte &- 0x61 < 6 || byte == 0x2D
        case .address: return isDigit || byte == 0x2E
        default:
            guard let form = kind.timeForm else { return true }
            return isDigit || form.canHold(byte, isFolded: isFolded)
        }
    }

    /// A whole identifier: it is packed too and found as bytes.
    private func verdicts(hex form: TextForm, width: Int, _ packed: [UInt8], count: Int) throws(CodingError) -> [UInt8]? {
        let size = (width + 1) / 2
        guard packed.count == size * count else { throw CodingError("hexadecimal digits are missing or left over") }
        var wanted = [UInt8](repeating: 0, count: size)
        for (index, byte) in needle.enumerated() {
            guard let digit = Self.digit(byte, isUpper: form == .upperHex && !isFolded) else { return nil }
            wanted[index / 2] |= index % 2 == 0 ? digit << 4 : digit
        }
        var result: [UInt8]?
        var from = 0
        while let hit = TextSearch.firstIndex(of: wanted, in: packed, from..<packed.count) {
            if hit % size == 0 {
                if result == nil { result = Array(repeating: Verdict.no, count: count) }
                result?[hit / size] = Verdict.yes
            }
            from = hit + 1
        }
        return result
    }

    /// A part of identifiers of one width, in their packed form: once from a byte's high digit on, once from its low one.
    private func verdicts(hex form: TextForm, width: Int, partIn packed: [UInt8], count: Int) throws(CodingError) -> [UInt8]? {
        let size = (width + 1) / 2
        guard packed.count == size * count else { throw CodingError("hexadecimal digits are missing or left over") }
        var digits: [UInt8] = []
        for byte in needle {
            guard let digit = Self.digit(byte, isUpper: form == .upperHex && !isFolded) else { return nil }
            digits.append(digit)
        }
        var result: [UInt8]?
        for shift in 0..<2 {
            // The whole bytes in the middle are looked for; the digits at the ends are compared.
            let wholeCount = (digits.count - shift) / 2
            let whole = (0..<wholeCount).map { digits[shift + 2 * $0] << 4 | digits[shift + 2 * $0 + 1] }
            var from = 0
            while let hit = TextSearch.firstIndex(of: whole, in: packed, from..<packed.count) {
                from = hit + 1
                let row = hit / size
                let start = (hit - row * size) * 2 - shift
                guard start >= 0, start + digits.count <= width else { continue }
                if shift == 1, packed[hit - 1] & 15 != digits[0] { continue }
                let isTailOpen = (digits.count - shift) % 2 == 1
                if isTailOpen, packed[hit + wholeCount] >> 4 != digits[digits.count - 1] { continue }
                if result == nil { result = Array(repeating: Verdict.no, count: count) }
                result?[row] = Verdict.yes
                from = max(from, (row + 1) * size)
            }
        }
        return result
    }

    private static func digit(_ byte: UInt8, isUpper: Bool) -> UInt8? {
        if byte &- 0x30 < 10 { return byte &- 0x30 }
        let letter = byte &- (isUpper ? 0x41 : 0x61)
        return letter < 6 ? letter + 10 : nil
    }

    private func has(_ text: [UInt8]) -> Bool {
        TextSearch.firstIndex(of: needle, in: isFolded ? TextSearch.folded(text) : text, 0..<text.count) != nil
    }

    /// Which texts hold the needle; nil if none does. Texts ascend.
    private func verdicts(_ bytes: [UInt8], starts: [Int], ends: [Int]) -> [UInt8]? {
        let hay = isFolded ? TextSearch.folded(bytes) : bytes
        var result: [UInt8]?
        var from = 0
        var next = 0
        while let hit = TextSearch.firstIndex(of: needle, in: hay, from..<hay.count) {
            // The last text that starts at or before the hit.
            var low = next
            var high = starts.count
            while high - low > 1 {
                let middle = (low + high) / 2
                if starts[middle] <= hit { low = middle } else { high = middle }
            }
            next = low
            guard next < starts.count else { break }
            if hit >= starts[next], hit + needle.count <= ends[next] {
                if result == nil { result = Array(repeating: Verdict.no, count: starts.count) }
                result?[next] = Verdict.yes
                from = max(hit + 1, ends[next])
            } else {
                from = hit + 1
            }
        }
        return result
    }
}
