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
