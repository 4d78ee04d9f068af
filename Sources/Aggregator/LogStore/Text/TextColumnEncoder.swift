/// Where a text lies in the chunk's bytes.
struct TextRange: Sendable {
    var start: Int32
    var count: Int32
    var range: Range<Int> { Int(start)..<Int(start) + Int(count) }
}

/// Writes a column of texts in the form that suits them: the lines of a chunk, and then in turn what stands in the gaps of
/// their templates.
struct TextColumnEncoder {
    /// The chunk's bytes.
    let text: [UInt8]
    /// For each row of the chunk its time.
    let times: [Int64]
    var writer = ColumnWriter()

    /// Rows that a template needs to be worth its columns.
    private static let worthwhileRows = 6
    private static let maximumTemplates = 4096
    private static let maximumGaps = 500
    private static let maximumDictionary = 1 << 16
    static let maximumLevel = 2

    init(text: [UInt8], times: [Int64]) {
        self.text = text
        self.times = times
    }

    /// - Parameters:
    ///   - rows: for each text the row of the chunk that it belongs to.
    ///   - level: 0 for lines, more for what stands in gaps.
    mutating func encode(_ values: [TextRange], rows: [Int32], level: Int) {
        guard let first = values.first else {
            writer.tree.byte(TextForm.constant.rawValue)
            writer.add([])
            return
        }
        guard level > 0 else { return encodeTemplates(values, rows: rows, level: 0) }
        let (distinct, ids, isCut) = distinct(values, limit: level < Self.maximumLevel ? min(1024, max(4, values.count / 4)) : Self.maximumDictionary)
        if !isCut, distinct.count == 1 {
            writer.tree.byte(TextForm.constant.rawValue)
            writer.add(Array(text[first.range]))
        } else if !isCut, distinct.count <= 256 || distinct.count * 4 <= values.count, distinct.count * 2 <= values.count {
            writer.tree.byte(TextForm.dictionary.rawValue)
            writer.tree.count(distinct.count)
            encodePlain(distinct)
            writer.add(NumberColumn.encode(ids))
        } else if level < Self.maximumLevel {
            encodeTemplates(values, rows: rows, level: level)
        } else {
            writer.tree.byte(TextForm.plain.rawValue)
            encodePlain(values)
        }
    }

    /// The lengths, then the bytes.
    private mutating func encodePlain(_ values: [TextRange]) {
        writer.add(NumberColumn.encode(values.map { Int64($0.count) }))
        var bytes: [UInt8] = []
        bytes.reserveCapacity(values.reduce(0) { $0 + Int($1.count) })
        for value in values { bytes.append(contentsOf: text[value.range]) }
        writer.add(bytes)
    }

    /// The distinct texts in order of their first place, and for each text its number among them. Gives up beyond the limit.
    private func distinct(_ values: [TextRange], limit: Int) -> (distinct: [TextRange], ids: [Int64], isCut: Bool) {
        var distinct: [TextRange] = []
        var ids: [Int64] = []
        ids.reserveCapacity(values.count)
        var table = HashTable(minimumCapacity: min(limit, values.count) + 1)
        let input = text.span
        for value in values {
            let hash = LineTokenizer.hash(input, value.range)
            let id = table.find(hash) { number in
                let known = distinct[number]
                guard known.count == value.count else { return false }
                return Self.isEqual(input, known.range, value.range)
            }
            if let id {
                ids.append(Int64(id))
                continue
            }
            guard distinct.count < limit else { return (distinct, ids, true) }
            table.insert(hash, distinct.count)
            ids.append(Int64(distinct.count))
            distinct.append(value)
        }
        return (distinct, ids, false)
    }

    private static func isEqual(_ text: Span<UInt8>, _ left: Range<Int>, _ right: Range<Int>) -> Bool {
        var offset = 0
        while offset + 8 <= left.count {
            if text.word(at: left.lowerBound + offset) != text.word(at: right.lowerBound + offset) { return false }
            offset += 8
        }
        while offset < left.count {
            if text[left.lowerBound + offset] != text[right.lowerBound + offset] { return false }
            offset += 1
        }
        return true
    }

    // MARK: Templates

    private struct Template {
        /// A row that has it.
        var example: Int
        var firstSlot: Int
        var slotCount: Int
        var rows = 0
        /// 1 and up; 0 for those that are not worth it.
        var number = 0
    }

    private mutating func encodeTemplates(_ values: [TextRange], rows: [Int32], level: Int) {
        var tokenizer = LineTokenizer()
        var templates: [Template] = []
        // For each row its template and its first slot.
        var template = [Int32](repeating: 0, count: values.count)
        var firstSlot = [Int32](repeating: 0, count: values.count)
        var table = HashTable(minimumCapacity: 64)
        text.withSpan { input in
            for (index, value) in values.enumerated() {
                let first = tokenizer.slots.count
                let hash = tokenizer.cut(input, value.range, level: level)
                firstSlot[index] = Int32(truncatingIfNeeded: first)
                guard tokenizer.slots.count - first <= Self.maximumGaps else {
                    // A long line of many numbers is like no other.
                    tokenizer.keep(first)
                    template[index] = -1
                    continue
                }
                // The whole is compared with the text in the end, so the hash alone may decide.
                let number: Int
                if let known = table.find(hash, where: { _ in true }) {
                    number = known
                } else if templates.count < Self.maximumTemplates {
                    number = templates.count
                    table.insert(hash, number)
                    templates.append(Template(example: index, firstSlot: first, slotCount: tokenizer.slots.count - first))
                } else {
                    template[index] = -1
                    continue
                }
                guard templates[number].slotCount == tokenizer.slots.count - first else {
                    template[index] = -1
                    continue
                }
                templates[number].rows += 1
                template[index] = Int32(truncatingIfNeeded: number)
            }
        }
        var kept: [Int] = []
        for number in templates.indices
        where templates[number].rows >= max(Self.worthwhileRows, templates[number].slotCount / 8) || templates[number].rows == values.count {
            kept.append(number)
        }
        kept.sort { (templates[$1].rows, $0) < (templates[$0].rows, $1) }
        for (index, number) in kept.enumerated() { templates[number].number = index + 1 }
        let isProgress = kept.contains { templates[$0].slotCount > 0 }
        if level > 0, kept.isEmpty || !isProgress || isOneGap(values, templates, kept, tokenizer) {
            // Nothing was cut, or only into itself.
            if level < Self.maximumLevel, !(kept.count == 1 && kind(of: kept, templates, tokenizer) != .text) {
                return encode(values, rows: rows, level: Self.maximumLevel)
            }
        }
        writer.tree.byte(TextForm.templates.rawValue)
        writer.tree.count(kept.count)
        for number in kept { write(templates[number], values, tokenizer) }
        let numbers = template.map { $0 < 0 ? 0 : Int64(templates[Int($0)].number) }
        writer.add(NumberColumn.encode(numbers))
        // Which rows each template has.
        var members = [[Int32]](repeating: [], count: kept.count + 1)
        for (index, number) in kept.enumerated() { members[index + 1].reserveCapacity(templates[number].rows) }
        for (index, number) in numbers.enumerated() { members[Int(number)].append(Int32(truncatingIfNeeded: index)) }
        writer.tree.byte(TextForm.plain.rawValue)
        encodePlain(members[0].map { values[Int($0)] })
        for (index, number) in kept.enumerated() {
            let own = members[index + 1]
            let ownRows = own.map { rows[Int($0)] }
            for slot in 0..<templates[number].slotCount {
                let kind = tokenizer.slots[templates[number].firstSlot + slot].kind
                let column = own.map { row in
                    let slot = tokenizer.slots[Int(firstSlot[Int(row)]) + slot]
                    return TextRange(start: slot.start, count: slot.count)
                }
                encode(column, kind, rows: ownRows, level: level + 1)
            }
        }
    }

    private func kind(of kept: [Int], _ templates: [Template], _ tokenizer: LineTokenizer) -> SlotKind? {
        guard let number = kept.first, templates[number].slotCount == 1 else { return nil }
        return tokenizer.slots[templates[number].firstSlot].kind
    }

    /// Whether all values are one gap of text without anything around it.
    private func isOneGap(_ values: [TextRange], _ templates: [Template], _ kept: [Int], _ tokenizer: LineTokenizer) -> Bool {
        guard kept.count == 1, templates[kept[0]].slotCount == 1 else { return false }
        let slot = tokenizer.slots[templates[kept[0]].firstSlot]
        return slot.count == values[templates[kept[0]].example].count
    }

    /// Literals and kinds of gaps: varint gaps; for each gap the literal before it and its kind; the literal at the end.
    private mutating func write(_ template: Template, _ values: [TextRange], _ tokenizer: LineTokenizer) {
        let range = values[template.example].range
        writer.tree.count(template.slotCount)
        var offset = range.lowerBound
        for slot in tokenizer.slots[template.firstSlot..<template.firstSlot + template.slotCount] {
            writer.tree.count(Int(slot.start) - offset)
            writer.tree.append(Array(text[offset..<Int(slot.start)]))
            writer.tree.byte(slot.kind.code)
            offset = Int(slot.start) + Int(slot.count)
        }
        writer.tree.count(range.upperBound - offset)
        writer.tree.append(Array(text[offset..<range.upperBound]))
    }
}

extension [UInt8] {
    /// Lends the bytes without copying them.
    func withSpan<Result>(_ body: (Span<UInt8>) -> Result) -> Result { body(span) }
}
