public import Pattern

/// Takes secrets out of lines before anything keeps them.
///
/// Each becomes `[REDACTED:kind:xxxx]`, where xxxx are the first four digits of HMAC-SHA256 of the secret under a key of this
/// node: equal secrets show the same mark, and the mark tells nothing of the secret.
public struct Redactor: Sendable {
    public struct Custom: Hashable, Sendable {
        public var name: String
        public var pattern: Pattern
        public init(name: String, pattern: Pattern) {
            self.name = name
            self.pattern = pattern
        }
    }

    /// What a stream remembers from line to line: whether a private key's block is open, and for how many lines yet.
    struct State: Hashable, Sendable { var keyLines = 0 }

    /// A block that does not end is given up after so many lines.
    static let maximumKeyLines = 200

    public var kinds: [SecretKind]
    public var custom: [Custom]
    private let key: [UInt8]

    public init(kinds: [SecretKind], custom: [Custom] = [], key: [UInt8]) {
        self.kinds = kinds
        self.custom = custom
        self.key = key
    }

    public var isEmpty: Bool { kinds.isEmpty && custom.isEmpty }

    /// The text without secrets, and how many were taken out.
    func redact(_ text: [UInt8], _ state: inout State) -> (text: [UInt8], count: Int) {
        if state.keyLines > 0 { return insideKey(text, &state) }
        var found: [(range: Range<Int>, name: String)] = []
        var ranges: [Range<Int>] = []
        for kind in kinds {
            ranges.removeAll(keepingCapacity: true)
            kind.find(text, &ranges)
            found += ranges.map { ($0, kind.rawValue) }
            if kind == .privateKey, let last = ranges.last, last.upperBound == text.count,
                SecretKind.position(of: SecretKind.keyEnd, in: text, from: last.lowerBound) == nil
            {
                state.keyLines = Self.maximumKeyLines
            }
        }
        for custom in custom {
            var from = 0
            while let range = custom.pattern.firstMatch(in: text, from: from), found.count < 1000 {
                if !range.isEmpty { found.append((range, custom.name)) }
                from = max(range.upperBound, range.lowerBound + 1)
            }
        }
        guard !found.isEmpty else { return (text, 0) }
        // Of ranges that overlap the first and longest wins; what it does not cover of the other is taken out with it.
        found.sort { ($0.range.lowerBound, -$0.range.upperBound) < ($1.range.lowerBound, -$1.range.upperBound) }
        var merged: [(range: Range<Int>, name: String)] = []
        for item in found {
            if let last = merged.last, item.range.lowerBound < last.range.upperBound {
                merged[merged.count - 1].range = last.range.lowerBound..<max(last.range.upperBound, item.range.upperBound)
            } else {
                merged.append(item)
            }
        }
        var result: [UInt8] = []
        result.reserveCapacity(text.count + merged.count * 16)
        var index = 0
        for (range, name) in merged {
            result += text[index..<range.lowerBound]
            result += mark(name, text[range])
            index = range.upperBound
        }
        result += text[index...]
        return (result, merged.count)
    }

    private func insideKey(_ text: [UInt8], _ state: inout State) -> (text: [UInt8], count: Int) {
        guard let close = SecretKind.position(of: SecretKind.keyEnd, in: text, from: 0),
            let last = SecretKind.position(of: SecretKind.keyName, in: text, from: close)
        else {
            state.keyLines -= 1
            return (mark(SecretKind.privateKey.rawValue, text[...]), 1)
        }
        state.keyLines = 0
        let end = last + SecretKind.keyName.count
        let rest = redact(Array(text[end...]), &state)
        return (mark(SecretKind.privateKey.rawValue, text[..<end]) + rest.text, rest.count + 1)
    }

    private func mark(_ name: String, _ secret: ArraySlice<UInt8>) -> [UInt8] {
        let digest = SHA256.hmac(Array(secret), key: key)
        let hex = Array("0123456789abcdef".utf8)
        return Array("[REDACTED:\(name):".utf8) + digest[..<2].flatMap { [hex[Int($0 >> 4)], hex[Int($0 & 15)]] } + [UInt8(ascii: "]")]
    }
}
