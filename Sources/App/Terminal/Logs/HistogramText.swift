/// Counts over time as bars beside their times, one row a step, with what is grave in its own colour.
public struct HistogramText: Sendable {
    public struct Row: Sendable {
        public var label: String
        public var total: Int
        /// Of these.
        public var errors: Int
        public var warnings: Int
        public init(label: String, total: Int, errors: Int, warnings: Int) {
            self.label = label
            self.total = total
            self.errors = errors
            self.warnings = warnings
        }
    }

    /// Columns for all of a row.
    public var width: Int
    public var palette: Palette
    /// Without block characters.
    public var isASCII: Bool

    public init(width: Int, palette: Palette, isASCII: Bool) {
        self.width = width
        self.palette = palette
        self.isASCII = isASCII
    }

    public func render(_ rows: [Row]) -> [String] {
        let labelWidth = rows.map { TerminalText.width($0.label) }.max() ?? 0
        let numbers = rows.map { HumanNumber.text(Double($0.total)) }
        let numberWidth = numbers.map(\.count).max() ?? 0
        let space = max(10, width - labelWidth - numberWidth - 3)
        let most = max(1, rows.map(\.total).max() ?? 1)
        return zip(rows, numbers).map { row, number in
            let padding = String(repeating: " ", count: labelWidth - TerminalText.width(row.label))
            let gap = String(repeating: " ", count: numberWidth - number.count)
            return "\(row.label)\(padding) \(gap)\(number) \(bar(row, most, space))"
        }
    }

    /// Errors first, then warnings, then the rest. What is there at all is seen: at least a cell of it.
    private func bar(_ row: Row, _ most: Int, _ space: Int) -> String {
        func cells(_ count: Int) -> Int { count == 0 ? 0 : max(1, count * space / most) }
        let all = cells(row.total)
        let errors = min(all, cells(row.errors))
        let warnings = min(all - errors, cells(row.warnings))
        let rest = all - errors - warnings
        func part(_ count: Int, _ ascii: Character, _ style: Palette.Style?) -> String {
            guard count > 0 else { return "" }
            // Without colour the parts still differ.
            let block: Character = isASCII ? ascii : palette.isOn ? "█" : style == .red ? "█" : style == .yellow ? "▓" : "░"
            let text = String(repeating: block, count: count)
            return style.map { palette.style(text, $0) } ?? text
        }
        return part(errors, "#", .red) + part(warnings, "+", .yellow) + part(rest, "-", nil)
    }
}
