import JSON

/// A number or a text: a port by number or name, a count or a percentage.
public enum IntOrString: Hashable, Sendable {
    case int(Int)
    case string(String)

    public init?(_ json: JSON) {
        if let value = json.int { self = .int(value) } else if let text = json.string { self = .string(text) } else { return nil }
    }

    /// The count itself, or the percentage of `total` (the greatest number if it is above that); nil if the text is no percentage.
    public func scaled(total: Int, roundingUp: Bool) -> Int? {
        switch self {
        case .int(let value): return value
        case .string(let text):
            guard text.hasSuffix("%"), let percent = Int(text.dropLast()) else { return nil }
            let (product, isOver) = percent.multipliedReportingOverflow(by: total)
            guard !isOver, product < .max - 99 else { return .max }
            return roundingUp ? (product + 99) / 100 : product / 100
        }
    }
}
