import Telemetry

/// LogQL text that parses back to an equal expression.
extension LogExpression: CustomStringConvertible {
    public var description: String {
        switch self {
        case .lines(let pipeline): pipeline.description
        case .metric(let metric): metric.description
        }
    }
}

extension LogPipeline: CustomStringConvertible {
    public var description: String { ([selectorText] + stages.map(\.description)).joined(separator: " ") }

    /// The selector alone.
    public var selectorText: String { "{\(matchers.map { "\($0.name)\($0.operation.rawValue)\(quoted($0.value))" }.joined(separator: ", "))}" }
}

/// In double quotes with Go's escapes; in backticks where that spares backslashes.
func quoted(_ text: String) -> String {
    if text.utf8.contains(UInt8(ascii: "\\")), !text.utf8.contains(UInt8(ascii: "`")), text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F })
    {
        return "`\(text)`"
    }
    var result = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\\": result += "\\\\"
        case "\"": result += "\\\""
        case "\n": result += "\\n"
        case "\r": result += "\\r"
        case "\t": result += "\\t"
        case _ where scalar.value < 0x20 || scalar.value == 0x7F:
            let digits = String(scalar.value, radix: 16)
            result += "\\x" + (digits.utf8.count == 1 ? "0" : "") + digits
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result + "\""
}

extension LogStage: CustomStringConvertible {
    public var description: String {
        switch self {
        case .line(let condition): condition.description
        case .json(let list): "| json" + list.text
        case .logfmt(let isStrict, let keepsEmpty, let list): "| logfmt" + (isStrict ? " --strict" : "") + (keepsEmpty ? " --keep-empty" : "") + list.text
        case .regexp(let text): "| regexp \(quoted(text))"
        case .pattern(let text): "| pattern \(quoted(text))"
        case .unpack: "| unpack"
        case .label(let filter): "| \(filter)"
        case .lineFormat(let text): "| line_format \(quoted(text))"
        case .labelFormat(let list): "| label_format " + list.map(\.description).joined(separator: ", ")
        case .decolorize: "| decolorize"
        case .drop(let list): "| drop " + list.map(\.description).joined(separator: ", ")
        case .keep(let list): "| keep " + list.map(\.description).joined(separator: ", ")
        case .context(let before, let after): "| context \(before), \(after)"
        case .sort(let label, let isDescending): "| sort by (\(label)\(isDescending ? " desc" : ""))"
        case .dedup(let labels, let isConsecutive):
            "| dedup" + (labels.isEmpty ? "" : " by (\(labels.joined(separator: ", ")))") + (isConsecutive ? " consecutive" : "")
        case .limit(let count): "| limit \(count)"
        case .sample(let percent): "| sample \(number: percent)%"
        case .template: "| template"
        case .redact: "| redact"
        case .since(let object): "| since \(quoted(object))"
        }
    }
}

extension [Extraction] {
    fileprivate var text: String { isEmpty ? "" : " " + map { $0.name == $0.path ? $0.name : "\($0.name)=\(quoted($0.path))" }.joined(separator: ", ") }
}

extension LabelFormat: CustomStringConvertible {
    public var description: String {
        switch source {
        case .label(let label): "\(destination)=\(label)"
        case .template(let text): "\(destination)=\(quoted(text))"
        }
    }
}

extension LabelChoice: CustomStringConvertible {
    public var description: String {
        switch self {
        case .name(let name): name
        case .matching(let matcher): "\(matcher.name)\(matcher.operation.rawValue)\(quoted(matcher.value))"
        }
    }
}

extension LineCondition: CustomStringConvertible {
    public var description: String {
        "\(operation.rawValue) "
            + alternatives.map {
                switch $0 {
                case .text(let text): quoted(text)
                case .address(let text): "ip(\(quoted(text)))"
                }
            }.joined(separator: " or ")
    }
}

extension LabelFilter: CustomStringConvertible {
    public var description: String {
        switch self {
        case .matcher(let matcher): "\(matcher.name)\(matcher.operation.rawValue)\(quoted(matcher.value))"
        case .quantity(let name, let comparison, .number(let value)): "\(name)\(comparison.rawValue)\(number: value)"
        case .quantity(let name, let comparison, .duration(let value)): "\(name)\(comparison.rawValue)\(Quantities.text(nanoseconds: value))"
        case .quantity(let name, let comparison, .bytes(let value)): "\(name)\(comparison.rawValue)\(Quantities.text(bytes: value))"
        case .address(let name, let isNegated, let text): "\(name)\(isNegated ? "!=" : "=")ip(\(quoted(text)))"
        case .and(let left, let right): "\(left.operand(isRight: false)) and \(right.operand(isRight: true))"
        // `or` is read from left to right.
        case .or(let left, let right): if case .or = right { "\(left) or (\(right))" } else { "\(left) or \(right)" }
        }
    }

    /// In parentheses where it would else be read otherwise.
    private func operand(isRight: Bool) -> String {
        switch self {
        case .or: "(\(self))"
        case .and where isRight: "(\(self))"
        default: description
        }
    }
}

extension LogMetric: CustomStringConvertible {
    public var description: String {
        switch self {
        case .number(let value): "\(number: value)"
        case .vector(let value): "vector(\(number: value))"
        case .range(let range): range.description
        case .aggregation(let aggregation): aggregation.description
        case .binary(let binary): binary.description
        case .labelReplace(let inner, let destination, let replacement, let source, let pattern):
            "label_replace(\(([inner.description] + [destination, replacement, source, pattern].map(quoted)).joined(separator: ", ")))"
        }
    }
}

extension LabelGrouping: CustomStringConvertible {
    public var description: String { "\(isWithout ? "without" : "by") (\(labels.joined(separator: ", ")))" }
}

extension Unwrap: CustomStringConvertible {
    public var description: String {
        (["| unwrap \(conversion.map { "\($0.rawValue)(\(label))" } ?? label)"] + filters.map { "| \($0)" }).joined(separator: " ")
    }
}

extension RangeAggregation: CustomStringConvertible {
    public var description: String {
        let parameterText = parameter.map { "\(number: $0), " } ?? ""
        let offsetText = offset == 0 ? "" : " offset \(Quantities.text(nanoseconds: offset))"
        let body = "\(pipeline)\(unwrap.map { " \($0)" } ?? "") [\(Quantities.text(nanoseconds: range))]\(offsetText)"
        return "\(operation.rawValue)(\(parameterText)\(body))\(grouping.map { " \($0)" } ?? "")"
    }
}

extension VectorAggregation: CustomStringConvertible {
    public var description: String {
        "\(operation.rawValue)\(grouping.map { " \($0) " } ?? "")(\(parameter.map { "\($0), " } ?? "")\(inner))"
    }
}

extension LogBinary: CustomStringConvertible {
    public var description: String { "\(operand(left, isRight: false)) \(operatorText) \(operand(right, isRight: true))" }

    /// In parentheses where it would else be read otherwise.
    private func operand(_ metric: LogMetric, isRight: Bool) -> String {
        guard case .binary(let inner) = metric else { return metric.description }
        let isTight =
            inner.operation.precedence > operation.precedence || inner.operation.precedence == operation.precedence && isRight == operation.isRightAssociative
        return isTight ? inner.description : "(\(inner))"
    }

    private var operatorText: String {
        var text = operation.rawValue + (returnsBool ? " bool" : "")
        if matching.isOn || !matching.labels.isEmpty || matching.cardinality != .oneToOne {
            text += " \(matching.isOn ? "on" : "ignoring") (\(matching.labels.joined(separator: ", ")))"
        }
        if matching.cardinality != .oneToOne {
            text += " \(matching.cardinality == .manyToOne ? "group_left" : "group_right") (\(matching.include.joined(separator: ", ")))"
        }
        return text
    }
}
