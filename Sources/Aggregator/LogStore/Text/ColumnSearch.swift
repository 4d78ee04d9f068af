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
    private let times: [Int64]

    init(_ needle: [UInt8], isFolded: Bool, loader: TextColumnLoader, times: [Int64]) {
        self.needle = needle
        self.isFolded = isFolded
        self.loader = loader
        self.times = times
    }

    /// A verdict for each row of the chunk.
    func verdicts(_ node: TextNode) throws(CodingError) -> [UInt8] {
        try verdicts(node, rows: (0..<Int32(times.count)).map { $0 }) ?? Array(repeating: Verdict.no, count: times.count)
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
            let numbers = try loader.numbers(ids, count: rows.count)
            guard numbers.allSatisfy({ $0 >= 0 && $0 < Int64(count) }) else { throw CodingError("a dictionary lacks a text") }
            return numbers.map { known[Int($0)] }
        default:
            let text = try TextFrame.render(try loader.load(node, count: rows.count), times: rows.map { times[Int($0)] }, expected: nil)
            return verdicts(text.bytes, starts: text.starts, ends: text.ends)
        }
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
            let literals = isFolded ? template.literals.map { TextSearch.folded($0) } : template.literals
            if literals.contains(where: { TextSearch.firstIndex(of: needle, in: $0, 0..<$0.count) != nil }) {
                note(own, Array(repeating: Verdict.yes, count: own.count))
                continue
            }
            if canSpan(literals, template.kinds) { note(own, Array(repeating: Verdict.maybe, count: own.count)) }
            for (gap, kind) in zip(template.gaps, template.kinds) where needle.allSatisfy({ canHold(kind, $0) }) {
                if let found = try verdicts(gap, rows: own.map { rows[Int($0)] }) { note(own, found) }
            }
        }
        return result
    }

    /// Whether the needle may lie across an edge between a literal and a gap.
    private func canSpan(_ literals: [[UInt8]], _ kinds: [SlotKind]) -> Bool {
        for (index, kind) in kinds.enumerated() {
            let (left, right) = (literals[index], literals[index + 1])
            // Two gaps without a literal between them.
            if left.isEmpty, index > 0 { return true }
            for split in 1..<max(1, needle.count) {
                if !left.isEmpty, canHold(kind, needle[split]) {
                    let size = min(split, left.count)
                    if left.suffix(size).elementsEqual(needle[split - size..<split]) { return true }
                }
                if !right.isEmpty, canHold(kind, needle[split - 1]) {
                    let size = min(needle.count - split, right.count)
                    if right.prefix(size).elementsEqual(needle[split..<split + size]) { return true }
                }
            }
        }
        return false
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
        default: return true
        }
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
