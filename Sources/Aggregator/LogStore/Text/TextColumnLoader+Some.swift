/// Some of a column's texts without unpacking the others: templates that no wanted text has are not read at all.
extension TextColumnLoader {
    /// - Parameters:
    ///   - count: all texts of the column.
    ///   - places: the wanted ones, ascending, each once.
    func load(_ node: TextNode, count: Int, only places: [Int32]) throws(CodingError) -> TextColumn {
        if places.count == count { return try load(node, count: count) }
        switch node {
        case .constant(let reference): return .constant(try bytes(reference))
        case .dictionary(let listCount, let lengths, let content, let references):
            let list = try TextList(lengths: try numbers(lengths, count: listCount), bytes: try bytes(content))
            let ids = try numbers(references, count: count, only: places)
            guard ids.allSatisfy({ $0 >= 0 && $0 < Int64(listCount) }) else { throw CodingError("a dictionary lacks a text") }
            return .dictionary(list, ids: ids)
        case .plain(let lengths, let content):
            let list = try TextList(lengths: try numbers(lengths, count: count), bytes: try bytes(content))
            var picked: [UInt8] = []
            var pickedLengths: [Int64] = []
            for place in places {
                let range = list.range(Int(place))
                picked.append(contentsOf: list.bytes[range])
                pickedLengths.append(Int64(range.count))
            }
            return .plain(try TextList(lengths: pickedLengths, bytes: picked))
        case .number(let reference):
            let values = try numbers(reference, count: count, only: places)
            guard values.allSatisfy({ $0 >= 0 }) else { throw CodingError("a number is negative") }
            return .number(values)
        case .padded(let width, let reference): return .padded(width: width, try numbers(reference, count: count, only: places))
        case .hex(let form, let width, let lengths, let packed): return .hex(form, try digits(form, width, lengths, packed, count: count, only: places))
        case .address(let listCount, let list, let reference):
            let values = try numbers(reference, count: count, only: places)
            guard let list else { return .address(values) }
            let known = try numbers(list, count: listCount)
            guard values.allSatisfy({ $0 >= 0 && $0 < Int64(listCount) }) else { throw CodingError("a list lacks an address") }
            return .address(values.map { known[Int($0)] })
        case .time(let form, let isRelative, let reference):
            return .time(form, isRelative: isRelative, try numbers(reference, count: count, only: places))
        case .templates(let templates, let reference, let others):
            return try some(templates, try numbers(reference, count: count), others, places)
        }
    }

    /// - Parameter numbers: the template of each text of the column.
    private func some(_ templates: [TextTemplate], _ numbers: [Int64], _ others: TextNode, _ places: [Int32]) throws(CodingError) -> TextColumn {
        // How many texts each template has had so far: a wanted text's place in the columns of its template.
        var counts = [Int32](repeating: 0, count: templates.count + 1)
        var wanted = [[Int32]](repeating: [], count: templates.count + 1)
        var members = wanted
        var next = 0
        for (index, number) in numbers.enumerated() {
            guard number >= 0, number <= Int64(templates.count) else { throw CodingError("template \(number) is unknown") }
            let template = Int(number)
            if next < places.count, Int(places[next]) == index {
                wanted[template].append(counts[template])
                members[template].append(Int32(truncatingIfNeeded: next))
                next += 1
            }
            counts[template] += 1
        }
        var loaded: [TemplateColumn.Loaded] = []
        for (index, template) in templates.enumerated() where !members[index + 1].isEmpty {
            var gaps: [TextColumn] = []
            for gap in template.gaps { gaps.append(try load(gap, count: Int(counts[index + 1]), only: wanted[index + 1])) }
            loaded.append(TemplateColumn.Loaded(template: template, members: members[index + 1], gaps: gaps))
        }
        // A column of which nothing is wanted is not read.
        let rest: TextColumn = members[0].isEmpty ? .constant([]) : try load(others, count: Int(counts[0]), only: wanted[0])
        return .templates(TemplateColumn(count: places.count, templates: loaded, otherMembers: members[0], others: rest))
    }

    private func digits(
        _ form: TextForm, _ width: Int, _ lengths: ColumnReference?, _ packed: ColumnReference, count: Int, only places: [Int32]
    ) throws(CodingError) -> HexList {
        let list = HexList(
            packed: try bytes(packed), width: width, counts: try lengths.map { reference throws(CodingError) in try numbers(reference, count: count) } ?? [])
        guard list.isWhole(form, count: count) else { throw CodingError("hexadecimal digits are missing or left over") }
        var picked = HexList(packed: [], width: width, counts: [])
        guard width == 0 else {
            let size = HexList.packedBytes(form, width)
            for place in places { picked.packed.append(contentsOf: list.packed[Int(place) * size..<(Int(place) + 1) * size]) }
            return picked
        }
        var next = 0
        var offset = 0
        for (index, digits) in list.counts.enumerated() {
            let size = HexList.packedBytes(form, Int(digits))
            if next < places.count, Int(places[next]) == index {
                picked.packed.append(contentsOf: list.packed[offset..<offset + size])
                picked.counts.append(digits)
                next += 1
            }
            offset += size
        }
        return picked
    }

    private func numbers(_ reference: ColumnReference, count: Int, only places: [Int32]) throws(CodingError) -> [Int64] {
        try NumberColumn.decode(try bytes(reference), count: count, only: places)
    }
}
