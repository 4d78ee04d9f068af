/// `some avg10=0.00 avg60=0.00 avg300=0.00 total=0` and `full ...` (Documentation/accounting/psi.rst).
enum PressureText {
    /// Nil if neither line is there.
    static func parse(_ bytes: Span<UInt8>, _ problems: inout TextProblems) -> CgroupSample.Pressure? {
        let lines = bytes.extracting(first: CgroupText.wholeLines(bytes, &problems))
        var pressure = CgroupSample.Pressure()
        var isFound = false
        var offset = 0
        while offset < lines.count {
            let start = offset
            CgroupText.skip(lines, to: CgroupText.space, at: &offset)
            let name = start..<offset
            if CgroupText.equals(lines, name, "some") {
                pressure.some = fields(lines, &offset, &problems)
                isFound = true
            } else if CgroupText.equals(lines, name, "full") {
                pressure.full = fields(lines, &offset, &problems)
                isFound = true
            }
            CgroupText.skip(lines, to: CgroupText.lineFeed, at: &offset)
            offset += 1
        }
        return isFound ? pressure : nil
    }

    private static func fields(_ lines: Span<UInt8>, _ offset: inout Int, _ problems: inout TextProblems) -> CgroupSample.Pressure.Line {
        var line = CgroupSample.Pressure.Line()
        while offset < lines.count, lines[offset] == CgroupText.space {
            offset += 1
            let start = offset
            while offset < lines.count, lines[offset] != UInt8(ascii: "="), lines[offset] > CgroupText.space { offset += 1 }
            guard offset < lines.count, lines[offset] == UInt8(ascii: "=") else {
                problems.insert(.malformed)
                break
            }
            let key = start..<offset
            offset += 1
            guard offset < lines.count, let whole = CgroupText.number(lines, at: &offset, &problems) else { break }
            if CgroupText.equals(lines, key, "total") {
                line.total = whole
                continue
            }
            let average = percent(whole, lines, &offset)
            if CgroupText.equals(lines, key, "avg10") { line.average10 = average }
            if CgroupText.equals(lines, key, "avg60") { line.average60 = average }
            if CgroupText.equals(lines, key, "avg300") { line.average300 = average }
        }
        return line
    }

    /// The two digits after the point.
    private static func percent(_ whole: UInt64, _ lines: Span<UInt8>, _ offset: inout Int) -> Double {
        var hundredths = min(whole, 1_000_000) * 100
        guard offset < lines.count, lines[offset] == UInt8(ascii: ".") else { return Double(hundredths) / 100 }
        offset += 1
        var weight: UInt64 = 10
        while offset < lines.count, case let digit = lines[offset] &- 0x30, digit <= 9 {
            hundredths += UInt64(digit) * weight
            weight /= 10
            offset += 1
        }
        return Double(hundredths) / 100
    }
}
