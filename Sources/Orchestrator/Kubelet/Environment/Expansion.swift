/// `$(NAME)` in values, commands and arguments.
enum Expansion {
    /// Known names are replaced; unknown ones stay as they are; `$$` is a dollar sign that starts nothing.
    static func expand(_ text: String, _ value: (String) -> String?) -> String {
        let bytes = Array(text.utf8)
        guard bytes.contains(UInt8(ascii: "$")) else { return text }
        var result: [UInt8] = []
        var offset = 0
        while offset < bytes.count {
            guard bytes[offset] == UInt8(ascii: "$"), offset + 1 < bytes.count else {
                result.append(bytes[offset])
                offset += 1
                continue
            }
            switch bytes[offset + 1] {
            case UInt8(ascii: "$"):
                result.append(UInt8(ascii: "$"))
                offset += 2
            case UInt8(ascii: "("):
                guard let end = bytes[(offset + 2)...].firstIndex(of: UInt8(ascii: ")")) else {
                    // An opening without an end is text.
                    result += [UInt8(ascii: "$"), UInt8(ascii: "(")]
                    offset += 2
                    continue
                }
                let name = String(decoding: bytes[offset + 2..<end], as: UTF8.self)
                if let value = value(name) { result += Array(value.utf8) } else { result += bytes[offset...end] }
                offset = end + 1
            default:
                result.append(bytes[offset])
                offset += 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
