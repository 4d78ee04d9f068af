public import Pattern

/// A condition on the bytes of a line: `|=`, `!=`, `|~`, `!~`, `|>`, `!>`, each with alternatives by `or`.
public struct LineFilter: Sendable {
    public enum Alternative: Sendable {
        /// A substring; ASCII letters match either case if asked.
        case contains([UInt8], ignoringCase: Bool)
        case matches(Pattern)
        /// The literals of a pattern, between, before and after which anything may stand as the flags say.
        case pieces([[UInt8]], isOpenAtStart: Bool, isOpenAtEnd: Bool)
        /// What only a function can tell, such as `ip("10.0.0.0/8")`.
        case test(@Sendable (Span<UInt8>) -> Bool)
    }

    /// One of these must hold; with `isNegated` none may.
    public var alternatives: [Alternative]
    public var isNegated: Bool

    public init(_ alternatives: [Alternative], isNegated: Bool = false) {
        self.alternatives = alternatives
        self.isNegated = isNegated
    }
}
