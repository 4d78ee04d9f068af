/// A column of texts in memory, ready to be written out or looked into.
indirect enum TextColumn: Sendable {
    case constant([UInt8])
    case dictionary(TextList, ids: [Int64])
    case templates(TemplateColumn)
    case plain(TextList)
    case number([Int64])
    case padded(width: Int, [Int64])
    case hex(TextForm, HexList)
    case address([Int64])
    case time(TimeForm, isRelative: Bool, [Int64])
}

extension TextColumn {
    /// Whether a text in it is told from its row's time.
    var holdsTimes: Bool {
        switch self {
        case .time(_, let isRelative, _): isRelative
        case .templates(let column): column.others.holdsTimes || column.templates.contains { $0.gaps.contains { $0.holdsTimes } }
        default: false
        }
    }
}

/// Texts one after another: text i is `bytes[ends[i - 1]..<ends[i]]`.
struct TextList: Sendable {
    var bytes: [UInt8]
    /// The starts, and the end of the last.
    var offsets: [Int]

    var count: Int { offsets.count - 1 }
    func range(_ index: Int) -> Range<Int> { offsets[index]..<offsets[index + 1] }

    init(lengths: [Int64], bytes: [UInt8]) throws(CodingError) {
        self.bytes = bytes
        offsets = [0]
        offsets.reserveCapacity(lengths.count + 1)
        var offset = 0
        for length in lengths {
            guard length >= 0, length <= Int64(bytes.count - offset) else { throw CodingError("a text ends too late") }
            offset += Int(length)
            offsets.append(offset)
        }
        guard offset == bytes.count else { throw CodingError("texts are \(bytes.count) bytes long, not \(offset)") }
    }
}

/// Packed hexadecimal digits; each text begins at a byte.
struct HexList: Sendable {
    var packed: [UInt8]
    /// The digits of each text; 0 if `counts` tells. A UUID's dashes count.
    var width: Int
    var counts: [Int64]
}

/// Which template each text has, and what stands in the gaps.
struct TemplateColumn: Sendable {
    struct Loaded: Sendable {
        var template: TextTemplate
        /// The texts that have it, in order.
        var members: [Int32]
        var gaps: [TextColumn]
    }
    var count: Int
    var templates: [Loaded]
    /// The texts without a template, in order.
    var otherMembers: [Int32]
    var others: TextColumn
}

/// Turns nodes into columns. `bytes` gives the bytes of a reference.
struct TextColumnLoader {
    let bytes: (ColumnReference) throws(CodingError) -> [UInt8]

    func load(_ node: TextNode, count: Int) throws(CodingError) -> TextColumn {
        switch node {
        case .constant(let reference): return .constant(try bytes(reference))
        case .dictionary(let listCount, let lengths, let content, let references):
            let list = try list(lengths, content, count: listCount)
            let ids = try numbers(references, count: count)
            guard ids.allSatisfy({ $0 >= 0 && $0 < Int64(listCount) }) else { throw CodingError("a dictionary lacks a text") }
            return .dictionary(list, ids: ids)
        case .plain(let lengths, let content): return .plain(try list(lengths, content, count: count))
        case .number(let reference):
            let values = try numbers(reference, count: count)
            guard values.allSatisfy({ $0 >= 0 }) else { throw CodingError("a number is negative") }
            return .number(values)
        case .padded(let width, let reference): return .padded(width: width, try numbers(reference, count: count))
        case .hex(let form, let width, let lengths, let packed):
            let list = HexList(
                packed: try bytes(packed), width: width, counts: try lengths.map { reference throws(CodingError) in try numbers(reference, count: count) } ?? []
            )
            guard list.isWhole(form, count: count) else { throw CodingError("hexadecimal digits are missing or left over") }
            return .hex(form, list)
        case .address(let listCount, let list, let reference):
            let values = try numbers(reference, count: count)
            guard let list else { return .address(values) }
            let known = try numbers(list, count: listCount)
            guard values.allSatisfy({ $0 >= 0 && $0 < Int64(listCount) }) else { throw CodingError("a list lacks an address") }
            return .address(values.map { known[Int($0)] })
        case .time(let form, let isRelative, let reference): return .time(form, isRelative: isRelative, try numbers(reference, count: count))
        case .templates(let templates, let reference, let others):
            let members = try members(reference, count: count, templates: templates.count)
            var loaded: [TemplateColumn.Loaded] = []
            for (index, template) in templates.enumerated() {
                let own = members[index + 1]
                var gaps: [TextColumn] = []
                for gap in template.gaps { gaps.append(try load(gap, count: own.count)) }
                loaded.append(TemplateColumn.Loaded(template: template, members: own, gaps: gaps))
            }
            return .templates(
                TemplateColumn(count: count, templates: loaded, otherMembers: members[0], others: try load(others, count: members[0].count)))
        }
    }

    func numbers(_ reference: ColumnReference, count: Int) throws(CodingError) -> [Int64] {
        try NumberColumn.decode(try bytes(reference), count: count)
    }

    /// For each template (and first, for none) the texts that have it.
    func members(_ reference: ColumnReference, count: Int, templates: Int) throws(CodingError) -> [[Int32]] {
        let packed = try bytes(reference)
        if let (base, range) = try NumberColumn.singlePlane(packed, count: count), !range.isEmpty, base >= 0, base <= Int64(templates) {
            return try Self.members(packed, range, base: Int(base), templates: templates)
        }
        let numbers = try NumberColumn.decode(packed, count: count)
        var counts = [Int](repeating: 0, count: templates + 1)
        for number in numbers {
            guard number >= 0, number <= Int64(templates) else { throw CodingError("template \(number) is unknown") }
            counts[Int(number)] += 1
        }
        return Self.lists(counts, count: count) { numbers[$0] }
    }

    /// The indices below `count` by their numbers, each list ascending: all in one array first, so that lists are not grown one by one.
    /// - Parameter counts: how often each number occurs.
    private static func lists(_ counts: [Int], count: Int, _ number: (Int) -> Int64) -> [[Int32]] {
        var places = [Int](repeating: 0, count: counts.count)
        var total = 0
        for (index, count) in counts.enumerated() {
            places[index] = total
            total += count
        }
        let starts = places
        var flat = [Int32](repeating: 0, count: total)
        for index in 0..<count {
            let own = Int(number(index))
            flat[places[own]] = Int32(truncatingIfNeeded: index)
            places[own] += 1
        }
        return counts.indices.map { Array(flat[starts[$0]..<starts[$0] + counts[$0]]) }
    }

    private static func members(_ bytes: [UInt8], _ range: Range<Int>, base: Int, templates: Int) throws(CodingError) -> [[Int32]] {
        var counts = [Int](repeating: 0, count: 256)
        for byte in bytes[range] { counts[Int(byte)] += 1 }
        if let last = counts.lastIndex(where: { $0 > 0 }), base + last > templates { throw CodingError("template \(base + last) is unknown") }
        var own = [Int](repeating: 0, count: templates + 1)
        for (byte, count) in counts.enumerated() where count > 0 { own[base + byte] = count }
        return lists(own, count: range.count) { Int64(base + Int(bytes[range.lowerBound + $0])) }
    }

    private func list(_ lengths: ColumnReference, _ content: ColumnReference, count: Int) throws(CodingError) -> TextList {
        try TextList(lengths: try numbers(lengths, count: count), bytes: try bytes(content))
    }
}

extension HexList {
    /// The packed bytes of a text of so many characters.
    static func packedBytes(_ form: TextForm, _ count: Int) -> Int { form == .uuid ? 16 : (count + 1) / 2 }

    func isWhole(_ form: TextForm, count: Int) -> Bool {
        if width > 0 {
            guard form != .uuid || width == 36 else { return false }
            return packed.count == Self.packedBytes(form, width) * count
        }
        guard form != .uuid else { return count == 0 && packed.isEmpty }
        var total = 0
        for number in counts {
            guard number >= 0, number <= Int64(packed.count * 2) else { return false }
            total += Self.packedBytes(form, Int(number))
        }
        return total == packed.count
    }
}
