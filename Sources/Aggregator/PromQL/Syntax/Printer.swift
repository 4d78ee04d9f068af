import Telemetry

/// PromQL text that parses back to an equal expression.
extension Expression: CustomStringConvertible {
    public var description: String {
        switch node {
        case .number(let value): NumberText.string(value)
        case .string(let text): Expression.quoted(text)
        case .selector(let selector): selector.text + selector.extensionText + selector.shift.text
        case .range(let range): "\(range.selector.text)[\(range.range.bracketText)]\(range.selector.extensionText)\(range.selector.shift.text)"
        case .subquery(let subquery): "\(subquery.inner)[\(subquery.range.bracketText):\(subquery.step?.bracketText ?? "")]\(subquery.shift.text)"
        case .call(let name, let arguments): "\(name)(\(arguments.map(\.description).joined(separator: ", ")))"
        case .aggregation(let aggregation): aggregation.text
        case .unary(let isMinus, let inner): "\(isMinus ? "-" : "+")\(inner)"
        case .binary(let binary): "\(binary.left) \(binary.operatorText) \(binary.right)"
        case .parentheses(let inner): "(\(inner))"
        }
    }

    static func quoted(_ text: String) -> String { "\"\(text.escapedForLabel)\"" }

    /// Whether a label's or a metric's name can stand without quotes.
    static func isPlainName(_ name: String, allowsColon: Bool) -> Bool {
        guard let first = name.utf8.first, !(48...57).contains(first) else { return false }
        return name.utf8.allSatisfy { (97...122).contains($0 | 0x20) && $0 < 128 || (48...57).contains($0) || $0 == 95 || allowsColon && $0 == 58 }
    }

    static func label(_ name: String) -> String { isPlainName(name, allowsColon: false) ? name : quoted(name) }
}

extension Selector {
    /// The selector without its shift.
    var text: String {
        let reserved = ["bool", "on", "ignoring", "group_left", "group_right", "nan", "inf"]
        let outside = name.flatMap { Expression.isPlainName($0, allowsColon: true) && !reserved.contains($0.lowercased()) ? $0 : nil }
        var isNameShown = outside != nil
        let conditions = matchers.compactMap { matcher -> String? in
            if matcher.name == Labels.metricName, matcher.operation == .equal {
                if isNameShown {
                    isNameShown = false
                    return nil
                }
                return Expression.quoted(matcher.value)
            }
            return "\(Expression.label(matcher.name))\(matcher.operation.rawValue)\(Expression.quoted(matcher.value))"
        }
        return (outside ?? "") + (conditions.isEmpty && outside != nil ? "" : "{\(conditions.joined(separator: ", "))}")
    }
}

extension Selector {
    var extensionText: String { looksBeyond.map { " \($0.rawValue)" } ?? "" }
}

extension TimeShift {
    var text: String {
        let anchorText =
            switch anchor {
            case .time(let time): " @ \(NumberText.string(time.seconds))"
            case .start: " @ start()"
            case .end: " @ end()"
            case nil: ""
            }
        return anchorText + (offset == Length(milliseconds: 0) ? "" : " offset \(offset.text)")
    }
}

extension Aggregation {
    /// All before the parenthesis.
    var head: String {
        let list = labels.map(Expression.label).joined(separator: ", ")
        return operation.rawValue + (isWithout ? " without (\(list)) " : labels.isEmpty ? "" : " by (\(list)) ")
    }

    var text: String {
        "\(head)(\(parameter.map { "\($0), " } ?? "")\(inner))"
    }
}

extension Binary {
    /// The operator with its modifiers.
    var operatorText: String {
        var text = operation.rawValue + (returnsBool ? " bool" : "")
        if matching.isOn || !matching.labels.isEmpty || matching.cardinality == .manyToOne || matching.cardinality == .oneToMany {
            text += " \(matching.isOn ? "on" : "ignoring") (\(matching.labels.map(Expression.label).joined(separator: ", ")))"
        }
        let include = "(\(matching.include.map(Expression.label).joined(separator: ", ")))"
        switch matching.cardinality {
        case .manyToOne: text += " group_left \(include)"
        case .oneToMany: text += " group_right \(include)"
        case .oneToOne, .manyToMany: break
        }
        switch (matching.fillLeft, matching.fillRight) {
        case (let left?, let right?) where left == right || left.isNaN && right.isNaN: text += " fill (\(NumberText.string(left)))"
        case (let left, let right):
            if let left { text += " fill_left (\(NumberText.string(left)))" }
            if let right { text += " fill_right (\(NumberText.string(right)))" }
        }
        return text
    }
}
