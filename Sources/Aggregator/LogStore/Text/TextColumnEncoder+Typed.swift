/// What stands in a gap of a known kind.
extension TextColumnEncoder {
    mutating func encode(_ values: [TextRange], _ kind: SlotKind, rows: [Int32], level: Int) {
        switch kind {
        case .number: encodeNumbers(values, rows: rows)
        case .lowerHex: encodeHex(values, .lowerHex)
        case .upperHex: encodeHex(values, .upperHex)
        case .uuid: encodeHex(values, .uuid)
        case .address:
            let numbers = text.withSpan { input in values.map { AddressForm.parse(input, $0.range)?.value ?? 0 } }
            writer.tree.byte(TextForm.address.rawValue)
            encodeByDictionary(numbers)
        case _ where kind.timeForm != nil: encodeTimes(values, kind.timeForm ?? .klog, rows: rows)
        default: encode(values, rows: rows, level: level)
        }
    }

    private mutating func encodeNumbers(_ values: [TextRange], rows: [Int32]) {
        var numbers: [Int64] = []
        numbers.reserveCapacity(values.count)
        var isPlain = true
        var isOneWidth = true
        let width = values[0].count
        // A copy of the reference, so that the writer may change meanwhile.
        let text = text
        let input = text.span
        for value in values {
            let range = value.range
            if value.count != width { isOneWidth = false }
            if value.count > 1, input[range.lowerBound] == 0x30 { isPlain = false }
            var number: Int64 = 0
            for offset in range { number = number * 10 + Int64(input[offset] &- 0x30) }
            numbers.append(number)
        }
        if isPlain {
            writer.tree.byte(TextForm.number.rawValue)
        } else if isOneWidth {
            writer.tree.byte(TextForm.padded.rawValue)
            writer.tree.count(Int(width))
        } else {
            return encode(values, rows: rows, level: Self.maximumLevel)
        }
        writer.add(NumberColumn.encode(numbers))
    }

    /// Numbers of which few are distinct go by number in a list: flag 1, the list, the places in it; else flag 0, the numbers.
    private mutating func encodeByDictionary(_ numbers: [Int64]) {
        var places: [Int64: Int64] = [:]
        var list: [Int64] = []
        var ids: [Int64] = []
        ids.reserveCapacity(numbers.count)
        for number in numbers {
            if let place = places[number] {
                ids.append(place)
                continue
            }
            guard list.count * 4 <= numbers.count, list.count < 65_536 else { break }
            places[number] = Int64(list.count)
            ids.append(Int64(list.count))
            list.append(number)
        }
        guard ids.count == numbers.count else {
            writer.tree.byte(0)
            writer.add(NumberColumn.encode(numbers))
            return
        }
        writer.tree.byte(1)
        writer.tree.count(list.count)
        writer.add(NumberColumn.encode(list))
        writer.add(NumberColumn.encode(ids))
    }

    /// The counts of digits if they differ, and the digits packed, each text beginning at a byte.
    private mutating func encodeHex(_ values: [TextRange], _ form: TextForm) {
        let width = values[0].count
        let isOneWidth = values.allSatisfy { $0.count == width }
        writer.tree.byte(form.rawValue)
        writer.tree.count(isOneWidth ? Int(width) : 0)
        if !isOneWidth { writer.add(NumberColumn.encode(values.map { Int64($0.count) })) }
        var packed: [UInt8] = []
        packed.reserveCapacity(values.reduce(0) { $0 + Int($1.count + 1) / 2 })
        // A copy of the reference, so that the writer may change meanwhile.
        let text = text
        let input = text.span
        for value in values {
            var high: UInt8 = 0
            var isLow = false
            for offset in value.range {
                let byte = input[offset]
                // A UUID's dashes stand at known places.
                if byte == 0x2D { continue }
                let digit = byte < 0x3A ? byte &- 0x30 : (byte | 0x20) &- 0x57
                if isLow { packed.append(high | (digit & 15)) } else { high = digit << 4 }
                isLow.toggle()
            }
            if isLow { packed.append(high) }
        }
        writer.add(packed)
    }

    private mutating func encodeTimes(_ values: [TextRange], _ form: TimeForm, rows: [Int32]) {
        let unit = form.unit
        var numbers: [Int64] = []
        var distances: [Int64] = []
        numbers.reserveCapacity(values.count)
        distances.reserveCapacity(values.count)
        // A copy of the reference, so that the writer may change meanwhile.
        let text = text
        let input = text.span
        for (index, value) in values.enumerated() {
            let time = times[Int(rows[index])]
            let number = TimeForm.parse(input, value.range, form, near: time) ?? 0
            numbers.append(number)
            distances.append(floorDivide(time, unit) &- number)
        }
        let plain = NumberColumn.encode(numbers)
        let relative = NumberColumn.encode(distances)
        let isRelative = Self.spread(distances) < Self.spread(numbers)
        writer.tree.byte((isRelative ? TextForm.relativeTime : .time).rawValue)
        writer.tree.byte(form.code)
        writer.add(isRelative ? relative : plain)
    }

    /// About how many bits the numbers, or their steps if those are smaller, take.
    private static func spread(_ values: [Int64]) -> Int {
        var direct = 0
        var steps = 0
        var previous = values.first ?? 0
        let base = values.min() ?? 0
        for value in values {
            direct += 64 - (value &- base).leadingZeroBitCount
            steps += 65 - Int64(bitPattern: (value &- previous).magnitude).leadingZeroBitCount
            previous = value
        }
        return min(direct, steps)
    }
}
