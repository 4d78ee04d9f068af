/// A table of aligned columns without rules, as kubectl prints: header in capitals, three spaces between columns.
public struct TextTable: Sendable {
    public enum Alignment: Sendable { case left, right }
    public struct Column: Sendable {
        public var title: String
        public var alignment: Alignment
        /// Shortened in the middle when the table is wider than the terminal.
        public var mayShrink: Bool
        public init(_ title: String, _ alignment: Alignment = .left, mayShrink: Bool = false) {
            self.title = title
            self.alignment = alignment
            self.mayShrink = mayShrink
        }
    }

    public var columns: [Column]
    public var rows: [[String]] = []

    public init(_ columns: [Column]) { self.columns = columns }

    /// The lines of the table, each ended by a line feed. `width` nil does not shorten.
    public func render(width: Int? = nil) -> String {
        var widths = columns.map { TerminalText.width($0.title) }
        for row in rows { for (position, cell) in row.enumerated() { widths[position] = max(widths[position], TerminalText.width(cell)) } }
        if let width {
            let gaps = 3 * (columns.count - 1)
            for position in columns.indices where columns[position].mayShrink {
                let excess = widths.reduce(gaps, +) - width
                if excess > 0 { widths[position] = max(12, widths[position] - excess) }
            }
        }
        var text = line(columns.map { $0.title.uppercased() }, widths)
        for row in rows { text += line(row, widths) }
        return text
    }

    private func line(_ cells: [String], _ widths: [Int]) -> String {
        var text = ""
        for (position, cell) in cells.enumerated() {
            let shown = TerminalText.shorten(cell, to: widths[position])
            let padding = String(repeating: " ", count: widths[position] - TerminalText.width(shown))
            if position > 0 { text += "   " }
            text += columns[position].alignment == .right ? padding + shown : shown + padding
        }
        while text.last == " " { text.removeLast() }
        return text + "\n"
    }
}
