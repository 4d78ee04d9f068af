import QuerySyntax
import Telemetry

/// The text form of a stream's labels, as pushes in protobuf have it: `{app="web", env="prod"}`.
enum LokiLabels {
    static func parse(_ text: [UInt8]) throws(IngestError) -> Labels {
        var parser = Parser(text: text)
        return try parser.labels()
    }

    /// Whether it is `[a-zA-Z_][a-zA-Z0-9_]*`.
    static func isName(_ text: some Collection<UInt8>) -> Bool {
        guard let first = text.first, first &- 48 >= 10 else { return false }
        return text.allSatisfy { ($0 | 0x20) &- 97 < 26 || $0 &- 48 < 10 || $0 == UInt8(ascii: "_") }
    }

    /// What is wrong with a stream's labels; nil if nothing is.
    static func problem(_ labels: Labels, _ limits: LogIngestLimits) -> String? {
        if labels.isEmpty { return "it has no labels" }
        if labels.count > limits.labelsPerStream { return "it has \(labels.count) labels, the limit is \(limits.labelsPerStream)" }
        for label in labels.list {
            if !isName(label.name.utf8) { return "\"\(IngestLimits.short(label.name))\" is no label name" }
            if label.name.utf8.count + label.value.utf8.count > limits.labelBytes {
                return "the label \(IngestLimits.short(label.name)) is longer than \(limits.labelBytes) bytes"
            }
        }
        return nil
    }

    private struct Parser {
        let text: [UInt8]
        var offset = 0

        mutating func labels() throws(IngestError) -> Labels {
            guard take(UInt8(ascii: "{")) else { throw failure("expected {") }
            var pairs: [(String, String)] = []
            if !take(UInt8(ascii: "}")) {
                while true {
                    let name = try name()
                    guard take(UInt8(ascii: "=")) else { throw failure("expected = after \(name)") }
                    let value = try value()
                    if pairs.contains(where: { $0.0 == name }) { throw failure("the label \(name) comes twice") }
                    pairs.append((name, value))
                    if take(UInt8(ascii: ",")), !peek(UInt8(ascii: "}")) { continue }
                    guard take(UInt8(ascii: "}")) else { throw failure("expected , or }") }
                    break
                }
            }
            skipSpace()
            guard offset == text.count else { throw failure("text after }") }
            return Labels(pairs)
        }

        private func failure(_ reason: String) -> IngestError {
            IngestError(400, "error parsing labels \(IngestLimits.short(String(decoding: text.prefix(400), as: UTF8.self))): byte \(offset): \(reason)")
        }

        private mutating func skipSpace() { while offset < text.count, text[offset] == 0x20 || text[offset] == 0x09 || text[offset] == 0x0A { offset += 1 } }

        private mutating func peek(_ byte: UInt8) -> Bool {
            skipSpace()
            return offset < text.count && text[offset] == byte
        }

        private mutating func take(_ byte: UInt8) -> Bool {
            guard peek(byte) else { return false }
            offset += 1
            return true
        }

        private mutating func name() throws(IngestError) -> String {
            skipSpace()
            let start = offset
            while offset < text.count, (text[offset] | 0x20) &- 97 < 26 || text[offset] &- 48 < 10 || text[offset] == UInt8(ascii: "_") { offset += 1 }
            guard isName(text[start..<offset]) else { throw failure("expected a label name") }
            return String(decoding: text[start..<offset], as: UTF8.self)
        }

        /// A string as LogQL has it: in double quotes with Go's escapes, or in backticks without any.
        private mutating func value() throws(IngestError) -> String {
            skipSpace()
            guard offset < text.count, text[offset] == UInt8(ascii: "\"") || text[offset] == UInt8(ascii: "`") else {
                throw failure("expected a value in quotes")
            }
            do throws(SyntaxFault) {
                return try StringLiteral.read(text, at: &offset)
            } catch {
                throw failure(error.message)
            }
        }
    }
}
