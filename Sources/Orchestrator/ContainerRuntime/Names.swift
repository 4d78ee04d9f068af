/// Checks of every word from outside before a path is made of it.
enum Names {
    /// One component of a path: letters, digits, `.`, `_`, `-`, 1 to 253 bytes, not `.` or `..`.
    static func isPlain(_ name: String) -> Bool {
        guard (1...253).contains(name.utf8.count), name != ".", name != ".." else { return false }
        return name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"), 45, 46, 95: true
            default: false
            }
        }
    }

    /// An absolute path without `.`, `..` or control characters.
    static func isPath(_ path: String) -> Bool {
        path.hasPrefix("/") && path.utf8.count < 4000 && path.utf8.allSatisfy { $0 >= 32 && $0 != 127 }
            && !path.split(separator: "/").contains { $0 == "." || $0 == ".." }
    }

    static func check(_ name: String, _ what: String) throws(RuntimeError) {
        guard isPlain(name) else { throw .failed("the \(what) \"\(name.debugDescription.dropFirst().dropLast().prefix(80))\" cannot be part of a path: use letters, digits, '.', '_' and '-'") }
    }

    static func checkPath(_ path: String, _ what: String) throws(RuntimeError) {
        guard isPath(path) else { throw .failed("the \(what) \"\(path.debugDescription.dropFirst().dropLast().prefix(80))\" must be an absolute path without \"..\"") }
    }

    /// 64 hexadecimal digits.
    static func identifier() -> String {
        var generator = SystemRandomNumberGenerator()
        return (0..<4).map { _ in
            let word = String(generator.next(), radix: 16)
            return String(repeating: "0", count: 16 - word.count) + word
        }.joined()
    }
}
