/// PromQL text over several lines, as `format_query` answers: a part that does not fit a line is split at its operator or
/// into its arguments, each level two blanks further in.
extension Expression {
    private static let lineWidth = 100

    public var pretty: String { pretty(0) }

    private func pretty(_ level: Int) -> String {
        let blanks = String(repeating: "  ", count: level)
        let flat = description
        guard flat.utf8.count > Expression.lineWidth else { return blanks + flat }
        switch node {
        case .parentheses(let inner): return "\(blanks)(\n\(inner.pretty(level + 1))\n\(blanks))"
        case .unary(let isMinus, let inner):
            return blanks + (isMinus ? "-" : "+") + inner.pretty(level).drop { $0 == " " }
        case .binary(let binary): return "\(binary.left.pretty(level + 1))\n\(blanks)\(binary.operatorText)\n\(binary.right.pretty(level + 1))"
        case .call(let name, let arguments) where !arguments.isEmpty:
            return "\(blanks)\(name)(\n\(arguments.map { $0.pretty(level + 1) }.joined(separator: ",\n"))\n\(blanks))"
        case .aggregation(let aggregation):
            let arguments = (aggregation.parameter.map { [$0] } ?? []) + [aggregation.inner]
            return "\(blanks)\(aggregation.head)(\n\(arguments.map { $0.pretty(level + 1) }.joined(separator: ",\n"))\n\(blanks))"
        case .subquery(let subquery):
            return "\(subquery.inner.pretty(level))[\(subquery.range.bracketText):\(subquery.step?.bracketText ?? "")]\(subquery.shift.text)"
        case .call, .number, .string, .selector, .range: return blanks + flat
        }
    }
}
