/// A path with `*`, `?`, `[a-z]` in its parts, and `**` for any number of parts.
struct Glob: Hashable, Sendable {
    let parts: [String]

    init(_ text: String) { parts = text.split(separator: "/").map(String.init) }

    /// The leading parts that hold no mark: where to begin looking.
    var fixed: [String] { Array(parts.prefix { !Self.hasMark($0) }) }

    static func hasMark(_ part: String) -> Bool { part.utf8.contains { "*?[".utf8.contains($0) } }

    /// Whether the whole path fits.
    func matches(_ path: String) -> Bool { Self.matches(parts[...], path.split(separator: "/").map(String.init)[...]) }

    private static func matches(_ parts: ArraySlice<String>, _ names: ArraySlice<String>) -> Bool {
        guard let part = parts.first else { return names.isEmpty }
        if part == "**" {
            return matches(parts.dropFirst(), names) || (!names.isEmpty && matches(parts, names.dropFirst()))
        }
        guard let name = names.first, matches(part, name) else { return false }
        return matches(parts.dropFirst(), names.dropFirst())
    }

    /// One part against one name; in time of their product, whatever the marks.
    static func matches(_ part: String, _ name: String) -> Bool {
        let (pattern, text) = (Array(part.utf8), Array(name.utf8))
        var (p, t) = (0, 0)
        var star: (pattern: Int, text: Int)?
        while t < text.count {
            if p < pattern.count, pattern[p] == UInt8(ascii: "*") {
                star = (p, t)
                p += 1
                continue
            }
            if p < pattern.count, let next = one(pattern, p, text[t]) {
                p = next
                t += 1
                continue
            }
            guard let back = star else { return false }
            star = (back.pattern, back.text + 1)
            p = back.pattern + 1
            t = back.text + 1
        }
        while p < pattern.count, pattern[p] == UInt8(ascii: "*") { p += 1 }
        return p == pattern.count
    }

    /// The index after the mark at `index` if it takes the byte.
    private static func one(_ pattern: [UInt8], _ index: Int, _ byte: UInt8) -> Int? {
        switch pattern[index] {
        case UInt8(ascii: "?"): return index + 1
        case UInt8(ascii: "["):
            guard let close = pattern[(index + 1)...].firstIndex(of: UInt8(ascii: "]")) else { return byte == pattern[index] ? index + 1 : nil }
            var at = index + 1
            let isNegated = at < close && (pattern[at] == UInt8(ascii: "!") || pattern[at] == UInt8(ascii: "^"))
            if isNegated { at += 1 }
            var isIn = false
            while at < close {
                if at + 2 < close, pattern[at + 1] == UInt8(ascii: "-") {
                    if pattern[at] <= byte, byte <= pattern[at + 2] { isIn = true }
                    at += 3
                } else {
                    if pattern[at] == byte { isIn = true }
                    at += 1
                }
            }
            return isIn != isNegated ? close + 1 : nil
        default: return pattern[index] == byte ? index + 1 : nil
        }
    }
}
