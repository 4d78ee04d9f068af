extension LogExpression {
    /// The query over several lines where one would be long; it parses back to an equal expression.
    public var pretty: String {
        switch self {
        case .lines(let pipeline): pipeline.pretty(indent: 0)
        case .metric(let metric): metric.pretty(indent: 0)
        }
    }

    /// Longer texts are broken.
    fileprivate static let width = 80

    fileprivate static func blanks(_ count: Int) -> String { String(repeating: " ", count: count) }

    fileprivate static func fits(_ text: String, _ indent: Int) -> String? { text.count + indent <= width ? blanks(indent) + text : nil }
}

extension LogPipeline {
    fileprivate func pretty(indent: Int) -> String {
        if let line = LogExpression.fits(description, indent) { return line }
        let blanks = LogExpression.blanks(indent)
        return ([blanks + selectorText] + stages.map { "\(blanks)  \($0)" }).joined(separator: "\n")
    }
}

extension LogMetric {
    fileprivate func pretty(indent: Int) -> String {
        if let line = LogExpression.fits(description, indent) { return line }
        let blanks = LogExpression.blanks(indent)
        switch self {
        case .number, .vector: return blanks + description
        case .range(let range):
            let parameterText = range.parameter.map { "\(blanks)  \(number: $0),\n" } ?? ""
            let unwrapText = range.unwrap.map { "\n\(blanks)    \($0)" } ?? ""
            let offsetText = range.offset == 0 ? "" : " offset \(Quantities.text(nanoseconds: range.offset))"
            let body = "\(parameterText)\(range.pipeline.pretty(indent: indent + 2))\(unwrapText) [\(Quantities.text(nanoseconds: range.range))]\(offsetText)"
            return "\(blanks)\(range.operation.rawValue)(\n\(body)\n\(blanks))\(range.grouping.map { " \($0)" } ?? "")"
        case .aggregation(let aggregation):
            let parameterText = aggregation.parameter.map { "\(blanks)  \($0),\n" } ?? ""
            let head = "\(aggregation.operation.rawValue)\(aggregation.grouping.map { " \($0) " } ?? "")"
            return "\(blanks)\(head)(\n\(parameterText)\(aggregation.inner.pretty(indent: indent + 2))\n\(blanks))"
        case .binary(let binary):
            return
                "\(binary.pretty(binary.left, isRight: false, indent: indent))\n\(blanks)\(binary.operatorText)\n\(binary.pretty(binary.right, isRight: true, indent: indent))"
        case .labelReplace(let inner, let destination, let replacement, let source, let pattern):
            let texts = [destination, replacement, source, pattern].map(quoted).joined(separator: ", ")
            return "\(blanks)label_replace(\n\(inner.pretty(indent: indent + 2)),\n\(blanks)  \(texts)\n\(blanks))"
        }
    }
}

extension LogBinary {
    fileprivate func pretty(_ side: LogMetric, isRight: Bool, indent: Int) -> String {
        guard needsParentheses(side, isRight: isRight) else { return side.pretty(indent: indent + 2) }
        let blanks = LogExpression.blanks(indent + 2)
        return "\(blanks)(\n\(side.pretty(indent: indent + 4))\n\(blanks))"
    }
}
