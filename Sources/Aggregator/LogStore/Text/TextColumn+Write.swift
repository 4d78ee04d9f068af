/// Writing columns out happens column by column, not row by row: first the lengths of all rows add up, then each column puts its
/// texts where its rows have got to. So each loop is over one array and does one thing.
extension TextColumn {
    /// Adds each text's length to its row's. `rows[i]` is the row of text i, or -1 if nobody wants it.
    func addLengths(_ rows: [Int32], to lengths: inout [Int]) {
        switch self {
        case .constant(let text): for row in rows where row >= 0 { lengths[Int(row)] += text.count }
        case .dictionary(let list, let ids):
            for (index, row) in rows.enumerated() where row >= 0 { lengths[Int(row)] += list.range(Int(ids[index])).count }
        case .plain(let list): for (index, row) in rows.enumerated() where row >= 0 { lengths[Int(row)] += list.range(index).count }
        case .number(let values):
            for (index, row) in rows.enumerated() where row >= 0 { lengths[Int(row)] += TextOutput.digits(UInt64(bitPattern: values[index])) }
        case .padded(let width, _): for row in rows where row >= 0 { lengths[Int(row)] += width }
        case .hex(_, let list):
            if list.width > 0 {
                for row in rows where row >= 0 { lengths[Int(row)] += list.width }
            } else {
                for (index, row) in rows.enumerated() where row >= 0 { lengths[Int(row)] += Int(list.counts[index]) }
            }
        case .address(let values): for (index, row) in rows.enumerated() where row >= 0 { lengths[Int(row)] += Self.addressBytes(values[index]) }
        case .time(let form, _, _): for row in rows where row >= 0 { lengths[Int(row)] += form.byteCount }
        case .templates(let column):
            for loaded in column.templates {
                let own = loaded.members.map { rows[Int($0)] }
                let literals = loaded.template.literalBytes
                for row in own where row >= 0 { lengths[Int(row)] += literals }
                for gap in loaded.gaps { gap.addLengths(own, to: &lengths) }
            }
            column.others.addLengths(column.otherMembers.map { rows[Int($0)] }, to: &lengths)
        }
    }

    /// Puts each text at its row's place and moves the place on.
    /// - Parameter times: the time of each row of the chunk.
    func write(_ rows: [Int32], to output: inout TextOutput, at places: inout [Int], times: [Int64]) {
        switch self {
        case .constant(let text): Self.write(literal: text, rows, to: &output, at: &places)
        case .dictionary(let list, let ids):
            let bytes = list.bytes.span
            for (index, row) in rows.enumerated() where row >= 0 {
                let range = list.range(Int(ids[index]))
                output.put(bytes, range, at: places[Int(row)])
                places[Int(row)] += range.count
            }
        case .plain(let list):
            let bytes = list.bytes.span
            for (index, row) in rows.enumerated() where row >= 0 {
                let range = list.range(index)
                output.put(bytes, range, at: places[Int(row)])
                places[Int(row)] += range.count
            }
        case .number(let values):
            for (index, row) in rows.enumerated() where row >= 0 {
                let value = UInt64(bitPattern: values[index])
                let width = TextOutput.digits(value)
                output.put(decimal: value, width: width, at: places[Int(row)])
                places[Int(row)] += width
            }
        case .padded(let width, let values):
            for (index, row) in rows.enumerated() where row >= 0 {
                output.put(decimal: UInt64(bitPattern: values[index]), width: width, at: places[Int(row)])
                places[Int(row)] += width
            }
        case .hex(let form, let list): Self.write(hex: form, list, rows, to: &output, at: &places)
        case .address(let values):
            for (index, row) in rows.enumerated() where row >= 0 {
                var place = places[Int(row)]
                for shift in stride(from: Int64(24), through: 0, by: -8) {
                    let octet = UInt64(bitPattern: values[index] >> shift & 255)
                    let width = TextOutput.digits(octet)
                    output.put(decimal: octet, width: width, at: place)
                    place += width
                    if shift > 0 {
                        output.put(0x2E, at: place)
                        place += 1
                    }
                }
                places[Int(row)] = place
            }
        case .time(let form, let isRelative, let values):
            let unit = form.unit
            for (index, row) in rows.enumerated() where row >= 0 {
                let value = isRelative ? floorDivide(times[Int(row)], unit) &- values[index] : values[index]
                form.write(value, to: &output, at: places[Int(row)])
                places[Int(row)] += form.byteCount
            }
        case .templates(let column):
            for loaded in column.templates {
                let own = loaded.members.map { rows[Int($0)] }
                for (index, gap) in loaded.gaps.enumerated() {
                    Self.write(literal: loaded.template.literals[index], own, to: &output, at: &places)
                    gap.write(own, to: &output, at: &places, times: times)
                }
                Self.write(literal: loaded.template.literals[loaded.gaps.count], own, to: &output, at: &places)
            }
            column.others.write(column.otherMembers.map { rows[Int($0)] }, to: &output, at: &places, times: times)
        }
    }

    private static func write(literal: [UInt8], _ rows: [Int32], to output: inout TextOutput, at places: inout [Int]) {
        guard !literal.isEmpty else { return }
        let bytes = literal.span
        for row in rows where row >= 0 {
            output.put(bytes, 0..<bytes.count, at: places[Int(row)])
            places[Int(row)] += bytes.count
        }
    }

    private static func write(hex form: TextForm, _ list: HexList, _ rows: [Int32], to output: inout TextOutput, at places: inout [Int]) {
        let packed = list.packed.span
        var offset = 0
        for (index, row) in rows.enumerated() {
            let count = list.width > 0 ? list.width : Int(list.counts[index])
            let size = HexList.packedBytes(form, count)
            defer { offset += size }
            guard row >= 0 else { continue }
            let place = places[Int(row)]
            if form == .uuid {
                var digits = 0
                var target = place
                while digits < 32 {
                    let size = digits == 0 ? 8 : digits == 20 ? 12 : 4
                    if digits > 0 {
                        output.put(0x2D, at: target)
                        target += 1
                    }
                    output.put(hex: packed, from: offset + digits / 2, digits: size, isUpper: false, at: target)
                    digits += size
                    target += size
                }
                places[Int(row)] = target
                continue
            }
            output.put(hex: packed, from: offset, digits: count, isUpper: form == .upperHex, at: place)
            places[Int(row)] += count
        }
    }

    private static func addressBytes(_ value: Int64) -> Int {
        var count = 3
        for shift in stride(from: Int64(24), through: 0, by: -8) { count += TextOutput.digits(UInt64(bitPattern: value >> shift & 255)) }
        return count
    }
}
