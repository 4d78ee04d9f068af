/// Makes nodes of tokens.
struct TemplateParser {
    /// Templates inside templates, brackets inside brackets.
    static let maximumDepth = 100

    private let name: String
    private let tokens: [(token: TemplateLexer.Token, line: Int)]
    private var position = 0
    private var depth = 0
    private var loops = 0
    /// By the names that `define` and `block` gave.
    private(set) var definitions: [String: [TemplateNode]] = [:]
    /// Functions that are called and variables that nothing in the template declares, with the lines where they stand.
    private(set) var calls: [(name: String, line: Int)] = []
    private(set) var undeclared: [(name: String, line: Int)] = []
    /// The variables declared so far, innermost last.
    private var scope: [String] = []

    init(_ source: String, name: String) throws(TemplateError) {
        self.name = name
        tokens = try TemplateLexer.tokens(source, name: name)
    }

    /// The whole template.
    mutating func parse() throws(TemplateError) -> [TemplateNode] {
        let (nodes, end) = try list()
        if let end { throw error("unexpected {{\(end)}}") }
        return nodes
    }

    /// Nodes up to `{{end}}`, `{{else …}}` or the end of the text; which of them it was. An `else` is not yet read past.
    private mutating func list() throws(TemplateError) -> ([TemplateNode], String?) {
        var nodes: [TemplateNode] = []
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.maximumDepth else { throw error("nested too deeply") }
        while position < tokens.count {
            switch tokens[position].token {
            case .text(let text):
                nodes.append(.text(text))
                position += 1
            case .open:
                position += 1
                if case .word(let word) = peek {
                    switch word {
                    case "end":
                        position += 1
                        try expectClose("end")
                        return (nodes, "end")
                    case "else":
                        return (nodes, "else")
                    default: break
                    }
                }
                if let node = try action() { nodes.append(node) }
            default: throw error("unexpected token")
            }
        }
        return (nodes, nil)
    }

    private mutating func action() throws(TemplateError) -> TemplateNode? {
        guard case .word(let word) = peek else { return .action(try pipelineToClose()) }
        switch word {
        case "if": return try control { .condition($0, then: $1, otherwise: $2) }
        case "with": return try control { .with($0, then: $1, otherwise: $2) }
        case "range":
            loops += 1
            defer { loops -= 1 }
            return try control { .range($0, body: $1, otherwise: $2) }
        case "break", "continue":
            guard loops > 0 else { throw error("{{\(word)}} outside {{range}}") }
            position += 1
            try expectClose(word)
            return word == "break" ? .breakLoop : .continueLoop
        case "define", "block":
            position += 1
            let defined = try quotedName(word)
            let line = currentLine
            let argument = word == "block" ? try pipelineToClose() : nil
            if word == "define" { try expectClose(word) }
            let outside = scope
            scope = []
            let (body, end) = try list()
            scope = outside
            guard end == "end" else { throw error("\(word) \"\(defined)\" has no {{end}}") }
            definitions[defined] = body
            return argument.map { .template(name: defined, argument: $0, line: line) }
        case "template":
            position += 1
            let used = try quotedName(word)
            let line = currentLine
            if peek == .close {
                position += 1
                return .template(name: used, argument: nil, line: line)
            }
            return .template(name: used, argument: try pipelineToClose(), line: line)
        default: return .action(try pipelineToClose())
        }
    }

    private mutating func control(
        _ make: (TemplatePipeline, [TemplateNode], [TemplateNode]) -> TemplateNode
    ) throws(TemplateError) -> TemplateNode {
        let word = current
        // What a condition or its branches declare ends with them.
        let outside = scope.count
        defer { scope.removeLast(scope.count - outside) }
        position += 1
        let condition = try pipelineToClose()
        let (then, end) = try list()
        guard end == "else" else {
            guard end == "end" else { throw error("\(word) has no {{end}}") }
            return make(condition, then, [])
        }
        position += 1
        // `{{else if …}}` is an if inside the else, which share one end.
        if case .word(let next) = peek, next == "if" || next == "with" {
            let inner = next == "if" ? try control { .condition($0, then: $1, otherwise: $2) } : try control { .with($0, then: $1, otherwise: $2) }
            return make(condition, then, [inner])
        }
        try expectClose("else")
        let (otherwise, last) = try list()
        guard last == "end" else { throw error(last == "else" ? "expected end; found {{else}}" : "\(word) has no {{end}}") }
        return make(condition, then, otherwise)
    }

    private mutating func quotedName(_ word: String) throws(TemplateError) -> String {
        guard case .string(let text) = peek else { throw error("\(word) needs a quoted name") }
        position += 1
        return text
    }

    private mutating func pipelineToClose() throws(TemplateError) -> TemplatePipeline {
        let pipeline = try pipeline()
        guard peek == .close else { throw error("unexpected \(current) in an action") }
        position += 1
        return pipeline
    }

    private mutating func pipeline() throws(TemplateError) -> TemplatePipeline {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.maximumDepth else { throw error("nested too deeply") }
        var pipeline = TemplatePipeline(line: currentLine)
        try variables(&pipeline)
        while true {
            let command = try command()
            guard !command.isEmpty else { throw error("missing value for a command") }
            pipeline.commands.append(command)
            guard peek == .pipe else { return pipeline }
            position += 1
        }
    }

    /// `$x :=`, `$x =`, `$i, $x :=`.
    private mutating func variables(_ pipeline: inout TemplatePipeline) throws(TemplateError) {
        guard case .variable(let first) = peek else { return }
        switch token(at: position + 1) {
        case .declare, .assign:
            pipeline.variables = [first]
            pipeline.isAssignment = token(at: position + 1) == .assign
            if pipeline.isAssignment { note(first) } else { scope.append(first) }
            position += 2
        case .comma:
            guard case .variable(let second) = token(at: position + 2), token(at: position + 3) == .declare else {
                throw error("expected a second variable and :=")
            }
            pipeline.variables = [first, second]
            scope += [first, second]
            position += 4
        default: return
        }
    }

    private mutating func command() throws(TemplateError) -> [TemplateOperand] {
        var operands: [TemplateOperand] = []
        while let operand = try operand() { operands.append(operand) }
        return operands
    }

    private mutating func operand() throws(TemplateError) -> TemplateOperand? {
        switch peek {
        case .word(let word):
            position += 1
            switch word {
            case "true": return .literal(.bool(true))
            case "false": return .literal(.bool(false))
            case "nil": return .literal(.none)
            default:
                calls.append((word, currentLine))
                return .function(word)
            }
        case .field(let name, _):
            position += 1
            return .dot(fields: (name.isEmpty ? [] : [name]) + attachedFields())
        case .variable(let name):
            note(name)
            position += 1
            return .variable(name, fields: attachedFields())
        case .string(let text):
            position += 1
            return .literal(.string(text))
        case .integer(let value):
            position += 1
            return .literal(.integer(value))
        case .float(let value):
            position += 1
            return .literal(.float(value))
        case .leftParen:
            position += 1
            let inner = try pipeline()
            guard peek == .rightParen else { throw error("unclosed left paren") }
            position += 1
            return .pipeline(inner, fields: attachedFields())
        default: return nil
        }
    }

    /// A variable is read or assigned to. The empty name is the root.
    private mutating func note(_ variable: String) {
        if !variable.isEmpty, !scope.contains(variable) { undeclared.append((variable, currentLine)) }
    }

    private mutating func attachedFields() -> [String] {
        var fields: [String] = []
        while case .field(let name, isAttached: true) = peek, !name.isEmpty {
            fields.append(name)
            position += 1
        }
        return fields
    }

    private mutating func expectClose(_ word: String) throws(TemplateError) {
        guard peek == .close else { throw error("unexpected \(current) in \(word)") }
        position += 1
    }

    private var peek: TemplateLexer.Token? { token(at: position) }
    private func token(at index: Int) -> TemplateLexer.Token? { index < tokens.count ? tokens[index].token : nil }
    private var currentLine: Int { tokens.isEmpty ? 1 : tokens[min(position, tokens.count - 1)].line }

    /// The current token as messages name it.
    private var current: String {
        switch peek {
        case .word(let word): word
        case .string(let text): "\"\(text)\""
        case .integer(let value): "\(value)"
        case .float(let value): "\(value)"
        case .variable(let name): "$\(name)"
        case .field(let name, _): ".\(name)"
        case .pipe: "|"
        case .comma: ","
        case .leftParen: "("
        case .rightParen: ")"
        case .declare: ":="
        case .assign: "="
        case .text, .open, .close, nil: "end of the action"
        }
    }

    private func error(_ problem: String) -> TemplateError { TemplateError(name: name, line: currentLine, problem: problem) }
}
