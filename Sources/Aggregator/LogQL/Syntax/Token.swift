/// A word of a query.
struct Token: Sendable, Hashable {
    enum Kind: Sendable, Hashable {
        case identifier(String)
        case number(Double)
        /// In nanoseconds.
        case duration(Int64)
        case bytes(Double)
        case string(String)
        /// `--strict`.
        case flag(String)
        /// Punctuation and operators.
        case symbol(String)
        case end
    }

    var kind: Kind
    var position: Range<Int>

    /// As an error message shows it.
    func shown(in text: [UInt8]) -> String {
        let source = String(decoding: text[position], as: UTF8.self)
        return switch kind {
        case .end: "the end of the query"
        case .string: "the string \(source)"
        default: "\"\(source)\""
        }
    }
}
