/// A replacement text with `$1`, `$name` and `${name}` in it, as Go's regexp package expands it.
public struct ReplacementTemplate: Sendable {
    private enum Part: Sendable {
        case text([UInt8])
        case group(String)
    }
    private var parts: [Part] = []

    public init(_ template: String) {
        let bytes = Array(template.utf8)
        var text: [UInt8] = []
        var position = 0
        func isWord(_ byte: UInt8) -> Bool { (48...57).contains(byte) || byte < 128 && (97...122).contains(byte | 0x20) || byte == 95 }
        while position < bytes.count {
            guard bytes[position] == UInt8(ascii: "$"), position + 1 < bytes.count else {
                text.append(bytes[position])
                position += 1
                continue
            }
            if bytes[position + 1] == UInt8(ascii: "$") {
                text.append(UInt8(ascii: "$"))
                position += 2
                continue
            }
            let isBraced = bytes[position + 1] == UInt8(ascii: "{")
            let start = position + (isBraced ? 2 : 1)
            var end = start
            while end < bytes.count, isWord(bytes[end]) { end += 1 }
            guard end > start, !isBraced || end < bytes.count && bytes[end] == UInt8(ascii: "}") else {
                text.append(bytes[position])
                position += 1
                continue
            }
            if !text.isEmpty { parts.append(.text(text)) }
            text = []
            parts.append(.group(String(decoding: bytes[start..<end], as: UTF8.self)))
            position = isBraced ? end + 1 : end
        }
        if !text.isEmpty { parts.append(.text(text)) }
    }

    /// The text with the groups of a match in `source` put in. A group that is unknown or took no part is empty.
    public func expand(_ source: [UInt8], _ groups: [Range<Int>?], names: [String?]) -> String {
        var result: [UInt8] = []
        for part in parts {
            switch part {
            case .text(let text): result += text
            case .group(let name):
                guard let number = Int(name) ?? names.firstIndex(of: name), groups.indices.contains(number), let range = groups[number] else { continue }
                result += source[range]
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
