import GoTemplate
import Telemetry

/// The template of `line_format` and `label_format`.
struct LineTemplate: Sendable {
    /// A template of texts and plain fields needs no machine.
    private enum Piece: Sendable {
        case text(String)
        case field(String)
        case line
    }
    private enum Form: Sendable {
        case pieces([Piece])
        case template(Template)
    }
    struct Failure: Error {
        var message: String
    }

    private let form: Form
    /// The labels that it looks at; nil if that cannot be told.
    let names: [String]?

    init(_ text: String) throws(LogQLError) {
        let template: Template
        do throws(TemplateError) { template = try Template(text, name: "line") } catch {
            throw LogQLError(.syntax, "the template is wrong: \(error.problem)")
        }
        if let unknown = template.firstUnknown(functions: Set(LineTemplate.functions.keys).union(["__line__", "__timestamp__", "now"])) {
            throw LogQLError(.syntax, "the template is wrong: \(unknown.problem)")
        }
        guard let pieces = LineTemplate.pieces(text) else {
            form = .template(template)
            names = nil
            return
        }
        form = .pieces(pieces)
        names = pieces.compactMap { if case .field(let name) = $0 { name } else { nil } }
    }

    /// `text{{.field}}text`; nil if anything else stands in braces.
    private static func pieces(_ text: String) -> [Piece]? {
        var pieces: [Piece] = []
        var rest = text.utf8[...]
        while let open = LineTemplate.pair(UInt8(ascii: "{"), in: rest) {
            if open.lowerBound > rest.startIndex { pieces.append(.text(String(rest[..<open.lowerBound])!)) }
            rest = rest[open.upperBound...]
            guard let close = LineTemplate.pair(UInt8(ascii: "}"), in: rest) else { return nil }
            var action = rest[..<close.lowerBound]
            while let first = action.first, first == 0x20 { action.removeFirst() }
            while let last = action.last, last == 0x20 { action.removeLast() }
            rest = rest[close.upperBound...]
            if action.elementsEqual("__line__".utf8) {
                pieces.append(.line)
                continue
            }
            guard action.first == UInt8(ascii: "."), action.count > 1 else { return nil }
            action.removeFirst()
            guard let head = action.first, Lexer.isLetter(head), action.allSatisfy({ Lexer.isLetter($0) || Lexer.isDigit($0) }) else { return nil }
            pieces.append(.field(String(action)!))
        }
        if !rest.isEmpty { pieces.append(.text(String(rest)!)) }
        return pieces
    }

    private static func pair(_ byte: UInt8, in text: Substring.UTF8View) -> Range<Substring.UTF8View.Index>? {
        var index = text.startIndex
        while index < text.endIndex {
            let next = text.index(after: index)
            if next < text.endIndex, text[index] == byte, text[next] == byte { return index..<text.index(after: next) }
            index = next
        }
        return nil
    }

    /// What templates know beside the labels. Each thread's runner has one of its own, which it alone uses.
    final class Context: @unchecked Sendable {
        fileprivate var line = ""
        fileprivate var time: Int64 = 0
        fileprivate var functions: [String: TemplateFunction] = [:]

        init(now: Int64) {
            functions = LineTemplate.functions
            functions["now"] = { _ in .string(GoTime.text(now)) }
            functions["__line__"] = { [unowned self] _ in .string(line) }
            functions["__timestamp__"] = { [unowned self] _ in .string(GoTime.text(time)) }
        }
    }

    func text(for row: LogRow, _ context: Context) -> Result<String, Failure> {
        switch form {
        case .pieces(let pieces):
            var text = ""
            for piece in pieces {
                switch piece {
                case .text(let part): text += part
                case .field(let name): text += row.labels[name]
                case .line: text += String(decoding: row.text[row.start..<row.end], as: UTF8.self)
                }
            }
            return .success(text)
        case .template(let template):
            context.line = String(decoding: row.text[row.start..<row.end], as: UTF8.self)
            context.time = row.time
            var data: [String: TemplateValue] = [:]
            for (name, value) in row.labels.pairs { data[name] = .string(value) }
            if !row.labels.error.isEmpty {
                data[LabelSet.errorName] = .string(row.labels.error)
                data[LabelSet.errorDetailsName] = .string(row.labels.errorDetails)
            }
            do { return .success(try template.text(for: .map(data), functions: context.functions)) } catch { return .failure(Failure(message: "\(error)")) }
        }
    }
}
