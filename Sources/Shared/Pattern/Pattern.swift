/// Why a regular expression was refused.
public struct PatternError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Offset in bytes of the place.
    public var offset: Int
    public var message: String
    public init(offset: Int, message: String) {
        self.offset = offset
        self.message = message
    }
    public var description: String { message }
}

/// A regular expression of RE2's syntax, matched in time linear in the text.
public struct Pattern: Sendable {
    public init(_ expression: String, anchored: Bool = false, ignoringCase: Bool = false) throws(PatternError) {
        throw PatternError(offset: 0, message: "not built yet")
    }

    /// Whether the text matches: the whole text if anchored, else any part of it.
    public func matches(_ text: String) -> Bool { false }
    /// If only finitely many plain texts match (`a|b|c`), these; only when anchored and case matters.
    public var literals: [String]? { nil }
}
