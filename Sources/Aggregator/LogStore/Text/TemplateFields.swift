/// The fields of a JSON object that a template is: which gap, or which literal, holds each.
///
/// Only what is certain to be what a parser would give: otherwise there are no fields, and the text is parsed.
struct TemplateFields: Sendable {
    enum Value: Sendable, Hashable {
        /// The inside of a quoted text.
        case quoted(gap: Int)
        /// A number, `true`, `false` or `null`.
        case bare(gap: Int)
        case literal([UInt8])
    }

    /// By LogQL's names: nested keys joined with `_`; of two alike the first.
    private(set) var values: [String: Value] = [:]

    /// nil if the template is no JSON object in the forms that are understood here.
    init?(json template: TextTemplate) {
        // Bytes as they are, gap k as 256 + k.
        var elements: [Int] = []
        for (index, literal) in template.literals.enumerated() {
            elements += literal.map { Int($0) }
            if index < template.kinds.count { elements.append(256 + index) }
        }
        var parser = Parser(elements: elements)
        guard parser.object(prefix: "", depth: 0), parser.isAtEnd else { return nil }
        values = parser.values
    }

    private struct Parser {
        let elements: [Int]
        var offset = 0
        var values: [String: Value] = [:]

        init(elements: [Int]) { self.elements = elements }

        var isAtEnd: Bool {
            mutating get {
                skipSpaces()
                return offset == elements.count
            }
        }

        private var next: Int { offset < elements.count ? elements[offset] : -1 }

        private mutating func skipSpaces() { while [0x20, 0x09, 0x0A, 0x0D].contains(next) { offset += 1 } }

        private mutating func take(_ byte: Int) -> Bool {
            skipSpaces()
            guard next == byte else { return false }
            offset += 1
            return true
        }

        mutating func object(prefix: String, depth: Int) -> Bool {
            guard depth < 32, take(0x7B) else { return false }
            if take(0x7D) { return true }
            repeat {
                guard let key = key(), take(0x3A), value(prefix + key, depth) else { return false }
            } while take(0x2C)
            return take(0x7D)
        }

        /// A name of letters, digits and `_`, which LogQL leaves as it is.
        private mutating func key() -> String? {
            guard take(0x22) else { return nil }
            var bytes: [UInt8] = []
            while next != 0x22 {
                guard next >= 0, next < 128, case let byte = UInt8(next), byte &- 0x30 < 10 || (byte | 0x20) &- 0x61 < 26 || byte == 0x5F else { return nil }
                bytes.append(byte)
                offset += 1
            }
            offset += 1
            guard let first = bytes.first, first &- 0x30 >= 10 else { return nil }
            return String(decoding: bytes, as: UTF8.self)
        }

        private mutating func value(_ name: String, _ depth: Int) -> Bool {
            skipSpaces()
            switch next {
            case 0x7B: return object(prefix: name + "_", depth: depth + 1)
            case 0x5B: return array()
            case 0x22:
                guard offset + 2 < elements.count, elements[offset + 1] >= 256, elements[offset + 2] == 0x22 else { return false }
                note(name, .quoted(gap: elements[offset + 1] - 256))
                offset += 3
                return true
            case 256...:
                note(name, .bare(gap: next - 256))
                offset += 1
                return isDelimiter(next)
            default:
                var bytes: [UInt8] = []
                while next >= 0, next < 256, !isDelimiter(next) {
                    bytes.append(UInt8(next))
                    offset += 1
                }
                guard isDelimiter(next), ["true", "false", "null"].contains(String(decoding: bytes, as: UTF8.self)) else { return false }
                note(name, .literal(bytes))
                return true
            }
        }

        /// Arrays are no fields; quoted texts within them are gaps, so that brackets are brackets.
        private mutating func array() -> Bool {
            var depth = 0
            repeat {
                switch next {
                case 0x5B, 0x7B: depth += 1
                case 0x5D, 0x7D: depth -= 1
                case -1: return false
                default: break
                }
                offset += 1
            } while depth > 0
            return true
        }

        private func isDelimiter(_ element: Int) -> Bool { [0x2C, 0x7D, 0x20, 0x0A, 0x0D, 0x09].contains(element) }

        private mutating func note(_ name: String, _ value: Value) { if values[name] == nil { values[name] = value } }
    }
}
