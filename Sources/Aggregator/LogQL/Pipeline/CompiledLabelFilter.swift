import Telemetry

/// A label filter made ready.
indirect enum CompiledLabelFilter: Sendable {
    case matcher(Matcher)
    case quantity(String, LabelFilter.Comparison, LabelFilter.Quantity)
    case address(String, isNegated: Bool, AddressRange)
    case and(CompiledLabelFilter, CompiledLabelFilter)
    case or(CompiledLabelFilter, CompiledLabelFilter)

    init(_ filter: LabelFilter) throws(LogQLError) {
        switch filter {
        case .matcher(let matcher): self = .matcher(matcher)
        case .quantity(let name, let comparison, let quantity): self = .quantity(name, comparison, quantity)
        case .address(let name, let isNegated, let text):
            guard let range = AddressRange(text) else { throw LogQLError(.syntax, "\"\(text)\" is no address, network or range") }
            self = .address(name, isNegated: isNegated, range)
        case .and(let left, let right): self = .and(try CompiledLabelFilter(left), try CompiledLabelFilter(right))
        case .or(let left, let right): self = .or(try CompiledLabelFilter(left), try CompiledLabelFilter(right))
        }
    }

    var names: [String] {
        switch self {
        case .matcher(let matcher): [matcher.name]
        case .quantity(let name, _, _), .address(let name, _, _): [name]
        case .and(let left, let right), .or(let left, let right): left.names + right.names
        }
    }

    /// Whether a line with these labels goes on. One that was read wrongly before goes on past all but plain texts, so
    /// that its error is seen; one whose label is no quantity goes on with an error of its own.
    func accepts(_ labels: inout LabelSet) -> Bool {
        switch self {
        case .matcher(let matcher): return matcher.accepts(labels[matcher.name])
        case .and(let left, let right): return left.accepts(&labels) && right.accepts(&labels)
        case .or(let left, let right): return left.accepts(&labels) || right.accepts(&labels)
        case .address(let name, let isNegated, let range):
            if !labels.error.isEmpty { return true }
            let value = labels[name]
            return range.isFound(in: value.utf8Span.span) != isNegated
        case .quantity(let name, let comparison, let quantity):
            if !labels.error.isEmpty { return true }
            guard labels.contains(name) else { return false }
            let value = labels[name]
            guard let number = quantity.read(value) else {
                labels.fail("LabelFilterErr", quantity.complaint(value))
                return true
            }
            return comparison.holds(number, quantity.value)
        }
    }

    /// For a necessary condition on the parsed field alone: whether such a value can still pass. Nil if it has none.
    var condition: (name: String, accepts: @Sendable (String) -> Bool)? {
        switch self {
        case .matcher(let matcher): return (matcher.name, { matcher.accepts($0) })
        case .quantity(let name, let comparison, let quantity):
            // An empty value may be that of a line that could not be read, which goes on.
            return (name, { value in value.isEmpty || quantity.read(value).map { comparison.holds($0, quantity.value) } ?? true })
        default: return nil
        }
    }

    /// The filters of which all must hold.
    var conjuncts: [CompiledLabelFilter] { if case .and(let left, let right) = self { left.conjuncts + right.conjuncts } else { [self] } }
}

extension LabelFilter.Quantity {
    /// Nanoseconds, bytes or the number.
    var value: Double {
        switch self {
        case .number(let value), .bytes(let value): value
        case .duration(let value): Double(value)
        }
    }

    /// What the label says in this quantity's kind; nil if it says none.
    func read(_ text: String) -> Double? {
        switch self {
        case .number: Quantities.number(text)
        case .duration: Quantities.duration(text.utf8, goOnly: true)
        case .bytes: Quantities.bytes(text.utf8, isValue: true)
        }
    }

    func complaint(_ text: String) -> String {
        switch self {
        case .number: "\"\(text)\" is no number"
        case .duration: "\"\(text)\" is no duration, such as 1.5s"
        case .bytes: "\"\(text)\" is no size, such as 5MB"
        }
    }
}
