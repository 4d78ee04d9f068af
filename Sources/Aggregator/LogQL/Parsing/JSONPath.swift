struct JSONPathError: Error {
    var message: String
}

/// A way to a value in a document: `a.b`, `a["k"]`, `a[0]`.
struct JSONPath: Sendable, Hashable {
    enum Step: Sendable, Hashable {
        case key([UInt8])
        case index(Int)
    }
    let steps: [Step]

    init(_ text: String) throws(JSONPathError) {
        let bytes = Array(text.utf8)
        var steps: [Step] = []
        var position = 0
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "["):
                position += 1
                guard position < bytes.count else { throw JSONPathError(message: "the bracket is not closed") }
                if bytes[position] == UInt8(ascii: "\"") {
                    guard let close = bytes[(position + 1)...].firstIndex(of: UInt8(ascii: "\"")) else {
                        throw JSONPathError(message: "the quote is not closed")
                    }
                    steps.append(.key(Array(bytes[(position + 1)..<close])))
                    position = close + 1
                } else {
                    let digits = bytes[position...].prefix(while: Lexer.isDigit)
                    guard !digits.isEmpty, let index = Int(String(decoding: digits, as: UTF8.self)) else {
                        throw JSONPathError(message: "a bracket holds a number or a quoted key")
                    }
                    steps.append(.index(index))
                    position = digits.endIndex
                }
                guard position < bytes.count, bytes[position] == UInt8(ascii: "]") else { throw JSONPathError(message: "the bracket is not closed") }
                position += 1
            case UInt8(ascii: ".") where !steps.isEmpty:
                position += 1
                guard position < bytes.count, bytes[position] != UInt8(ascii: "."), bytes[position] != UInt8(ascii: "[") else {
                    throw JSONPathError(message: "a key is missing behind the point")
                }
                fallthrough
            default:
                let key = bytes[position...].prefix { $0 != UInt8(ascii: ".") && $0 != UInt8(ascii: "[") }
                guard !key.isEmpty, key.startIndex == 0 || bytes[key.startIndex - 1] == UInt8(ascii: ".") else {
                    throw JSONPathError(message: "a point is missing before a key")
                }
                steps.append(.key(Array(key)))
                position = key.endIndex
            }
        }
        guard !steps.isEmpty else { throw JSONPathError(message: "it is empty") }
        self.steps = steps
    }
}
