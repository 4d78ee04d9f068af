import Telemetry

/// PromQL text that parses back to an equal expression.
extension Expression: CustomStringConvertible {
    public var description: String {
        switch node {
        case .number(let value): NumberText.string(value)
        case .string(let text): Expression.quoted(text)
        case .selector(let selector): selector.text + selector.shift.text
        case .range(let selector, let milliseconds): "\(selector.text)[\(NumberText.duration(milliseconds: milliseconds))]\(selector.shift.text)"
        case .subquery(let subquery):
            "\(subquery.inner)[\(NumberText.duration(milliseconds: subquery.rangeMilliseconds)):"
                + "\(subquery.stepMilliseconds.map(NumberText.duration) ?? "")]\(subquery.shift.text)"
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

extension TimeShift {
    var text: String {
        let anchorText =
            switch anchor {
            case .time(let time): " @ \(NumberText.string(time.seconds))"
            case .start: " @ start()"
            case .end: " @ end()"
            case nil: ""
            }
        return anchorText + (offsetMilliseconds == 0 ? "" : " offset \(NumberText.duration(milliseconds: offsetMilliseconds))")
    }
}

extension Aggregation {
    var text: String {
        let list = labels.map(Expression.label).joined(separator: ", ")
        let clause = isWithout ? " without (\(list)) " : labels.isEmpty ? "" : " by (\(list)) "
        return "\(operation.rawValue)\(clause)(\(parameter.map { "\($0), " } ?? "")\(inner))"
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
        return text
    }
}
