/// Series drawn with braille dots, 2 by 4 a cell, with a scale at the left and times below.
public struct BrailleGraph: Sendable {
    public struct Line: Sendable {
        public var name: String
        /// One value a step; nil where there is none.
        public var values: [Double?]
        public init(name: String, values: [Double?]) {
            self.name = name
            self.values = values
        }
    }

    /// Cells of the drawing, the scale not counted.
    public var width: Int
    public var height: Int

    public init(width: Int, height: Int) {
        self.width = max(8, width)
        self.height = max(2, height)
    }

    /// The drawing's lines. `ascii` draws with `*` where braille cannot be shown.
    public func render(_ lines: [Line], ascii: Bool = false) -> [String] {
        let all = lines.flatMap { $0.values.compactMap { $0 } }.filter(\.isFinite)
        guard var low = all.min(), var high = all.max() else { return ["no data"] }
        // A scale from zero is the honest one for what cannot be negative, unless all lies far from it.
        if low > 0, low < high / 2 || high == low { low = 0 }
        if high == low { high = low + (low == 0 ? 1 : abs(low)) }
        let (columns, rows) = (width * 2, height * 4)
        var dots = [UInt8](repeating: 0, count: width * height)
        for line in lines { draw(line.values, low, high, columns, rows, &dots) }
        let labels = (0..<height).map { label(row: $0, low: low, high: high) }
        let margin = labels.map { TerminalText.width($0) }.max() ?? 0
        return (0..<height).map { row in
            let padding = String(repeating: " ", count: margin - TerminalText.width(labels[row]))
            return padding + labels[row] + " ┤" + cells(dots[(row * width)..<((row + 1) * width)], ascii: ascii)
        }
    }

    /// The scale is labelled at the top, in the middle and at the bottom.
    private func label(row: Int, low: Double, high: Double) -> String {
        guard row == 0 || row == height - 1 || row == height / 2 else { return "" }
        let share = Double(row) / Double(height - 1)
        return HumanNumber.text(high - (high - low) * share)
    }

    private func cells(_ dots: ArraySlice<UInt8>, ascii: Bool) -> String {
        var text = ""
        for cell in dots {
            if ascii {
                text += cell == 0 ? " " : "*"
            } else if let scalar = Unicode.Scalar(0x2800 + UInt32(cell)) {
                text.unicodeScalars.append(scalar)
            }
        }
        return text
    }

    private func draw(_ values: [Double?], _ low: Double, _ high: Double, _ columns: Int, _ rows: Int, _ dots: inout [UInt8]) {
        guard !values.isEmpty else { return }
        var last: (x: Int, y: Int)?
        for column in 0..<columns {
            // The newest of the steps that fall on the column.
            let position = values.count == 1 ? 0 : column * (values.count - 1) / (columns - 1)
            guard let value = values[position], value.isFinite else {
                last = nil
                continue
            }
            let y = Int(((high - value) / (high - low) * Double(rows - 1)).rounded())
            let from = last.map { min(max($0.y, 0), rows - 1) } ?? y
            for row in min(from, y)...max(from, y) where (0..<rows).contains(row) { set(column, row, &dots) }
            last = (column, y)
        }
    }

    /// Unicode's numbering of the dots in a cell.
    private static let bits: [[UInt8]] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]]

    private func set(_ x: Int, _ y: Int, _ dots: inout [UInt8]) { dots[y / 4 * width + x / 2] |= Self.bits[y % 4][x % 2] }
}
