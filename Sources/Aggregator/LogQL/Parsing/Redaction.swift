import Pattern

/// Masks what should not be read by all: passwords and tokens behind their names, bearer tokens, addresses of mail and
/// the numbers of cards. A net with holes, for the eye; what must not be kept at all is masked by the collector.
enum Redaction {
    private static let mask = Array("[redacted]".utf8)
    /// The first group is masked, or the whole match if there is none.
    private static let patterns: [Pattern] = [
        #"(?i)(?:password|passwd|pwd|secret|token|api[_-]?key|authorization)["']?\s*[=:]\s*["']?(?:(?:bearer|basic)\s+)?([^\s"',;&]+)"#,
        #"(?i)\b(?:bearer|basic)\s+([A-Za-z0-9._~+/=-]{8,})"#,
        #"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}"#,
        #"\b[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{1,7}\b"#,
    ].compactMap { try? Pattern($0) }

    /// Nil if there is nothing to mask.
    static func masked(_ line: ArraySlice<UInt8>) -> [UInt8]? {
        var result: [UInt8]?
        for pattern in patterns where pattern.matches(result.map { $0[...] } ?? line) {
            let text = result ?? Array(line)
            var output: [UInt8] = []
            var position = 0
            while position <= text.count, let groups = pattern.groups(in: text, from: position), let whole = groups[0], !whole.isEmpty {
                let range = groups.count > 1 ? groups[1] ?? whole : whole
                output += text[position..<range.lowerBound] + mask
                position = range.upperBound
            }
            result = output + text[position...]
        }
        return result
    }
}
