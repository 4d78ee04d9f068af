/// Which labels, or which variables of the environment, are taken over. Empty lets nothing through.
///
/// Environments hold passwords, and every label that is let through becomes a label of every series of the container.
/// So the default is none, and what the list does not name is never kept, not even for a moment longer than its answer.
public struct AllowList: Sendable, Hashable {
    /// Names, or beginnings of names with `*` after them: `com.example.*`.
    public let patterns: [String]

    /// Values are cut here, in bytes, at the boundary of a character.
    public static let valueLimit = 1024
    /// A container has at most so many; the rest, in the order of their names, is left out.
    public static let countLimit = 64

    public init(_ patterns: [String] = []) { self.patterns = patterns.filter { !$0.isEmpty } }

    public func allows(_ name: String) -> Bool {
        patterns.contains { $0.hasSuffix("*") ? name.hasPrefix($0.dropLast()) : name == $0 }
    }

    /// The pairs that pass, sorted by name.
    func select(_ pairs: some Sequence<(key: String, value: String)>) -> [(name: String, value: String)] {
        guard !patterns.isEmpty else { return [] }
        return pairs.filter { allows($0.key) }.sorted { $0.key < $1.key }.prefix(Self.countLimit).map { ($0.key, Self.cut($0.value)) }
    }

    /// From `NAME=value` texts.
    func select(environment: [String]) -> [(name: String, value: String)] {
        guard !patterns.isEmpty else { return [] }
        let pairs = environment.compactMap { text in
            text.firstIndex(of: "=").map { (key: String(text[..<$0]), value: String(text[text.index(after: $0)...])) }
        }
        return select(pairs)
    }

    static func cut(_ text: String, to limit: Int = valueLimit) -> String {
        guard text.utf8.count > limit else { return text }
        var end = text.utf8.index(text.startIndex, offsetBy: limit)
        while end.samePosition(in: text.unicodeScalars) == nil { end = text.utf8.index(before: end) }
        return String(text[..<end])
    }
}
