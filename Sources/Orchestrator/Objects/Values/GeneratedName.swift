/// Random name endings, and names built from `generateName`.
public enum GeneratedName {
    /// No vowels and no look-alikes, so that no words appear.
    static let alphabet = Array("bcdfghjklmnpqrstvwxz2456789".utf8)

    /// Five characters.
    public static func suffix(using generator: inout some RandomNumberGenerator) -> String {
        String(decoding: (0..<5).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &generator)] }, as: UTF8.self)
    }

    /// The prefix, cut so that the whole fits a DNS label, and the suffix.
    public static func name(prefix: String, suffix: String) -> String { String(prefix.prefix(63 - suffix.utf8.count)) + suffix }
}
