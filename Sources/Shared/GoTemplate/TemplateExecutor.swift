/// Walks a template's nodes and writes.
struct TemplateExecutor {
    private enum Leave: Error { case breakLoop, continueLoop }

    let template: Template
    let functions: [String: TemplateFunction]
    let options: Template.Options
    /// Variables by name without the dollar, innermost last. The empty name is the root.
    var scopes: [[String: TemplateValue]] = []
    private(set) var output = ""
    private var steps = 0
    private var depth = 0

    init(template: Template, functions: [String: TemplateFunction], options: Template.Options) {
        self.template = template
        self.functions = functions
        self.options = options
    }

    mutating func run(_ nodes: [TemplateNode], dot: TemplateValue) throws {
        for node in nodes { try run(node, dot: dot) }
    }

    private mutating func run(_ node: TemplateNode, dot: TemplateValue) throws {
        steps += 1
        guard steps <= options.maximumSteps else { throw error("took more than \(options.maximumSteps) steps", 0) }
        switch node {
        case .text(let text): try write(text, line: 0)
        case .action(let pipeline):
            let value = try evaluate(pipeline, dot: dot)
            if pipeline.variables.isEmpty { try write(value.text, line: pipeline.line) }
        case .condition(let pipeline, let then, let otherwise):
            try scoped {
                let holds = try $0.evaluate(pipeline, dot: dot).isTrue
                try $0.run(holds ? then : otherwise, dot: dot)
            }
        case .with(let pipeline, let then, let otherwise):
            try scoped {
                let value = try $0.evaluate(pipeline, dot: dot)
                try $0.run(value.isTrue ? then : otherwise, dot: value.isTrue ? value : dot)
            }
        case .range(let pipeline, let body, let otherwise): try loop(pipeline, body, otherwise, dot: dot)
        case .template(let name, let argument, let line):
            try invoke(name, with: try argument.map { try evaluate($0, dot: dot) } ?? .none, line)
        case .breakLoop: throw Leave.breakLoop
        case .continueLoop: throw Leave.continueLoop
        }
    }

    private mutating func invoke(_ name: String, with value: TemplateValue, _ line: Int) throws {
        guard let body = template.definitions[name] else { throw error("template \"\(name)\" not defined", line) }
        guard depth < TemplateParser.maximumDepth else { throw error("template \"\(name)\" calls itself too deeply", line) }
        depth += 1
        let outer = scopes
        // A template that is called sees its argument and nothing of the caller.
        scopes = [["": value]]
        try run(body, dot: value)
        scopes = outer
        depth -= 1
    }

    private mutating func loop(
        _ pipeline: TemplatePipeline, _ body: [TemplateNode], _ otherwise: [TemplateNode], dot: TemplateValue
    ) throws {
        var undeclared = pipeline
        undeclared.variables = []
        let items: [(TemplateValue, TemplateValue)]
        switch try evaluate(undeclared, dot: dot) {
        case .list(let values): items = values.enumerated().map { (.integer($0.offset), $0.element) }
        case .map(let fields): items = fields.sorted { $0.key < $1.key }.map { (.string($0.key), $0.value) }
        case .integer(let count):
            guard count <= options.maximumSteps else { throw error("range over \(count)", pipeline.line) }
            items = (0..<max(0, count)).map { (.integer($0), .integer($0)) }
        // A field that is not there is the empty string.
        case .none, .string(""): items = []
        case let value: throw error("range can't iterate over \(value.kind)", pipeline.line)
        }
        if items.isEmpty {
            try scoped { try $0.run(otherwise, dot: dot) }
            return
        }
        for (key, value) in items {
            let depth = scopes.count
            do {
                try scoped { executor in
                    if let last = pipeline.variables.last { executor.scopes[executor.scopes.count - 1][last] = value }
                    if pipeline.variables.count == 2 { executor.scopes[executor.scopes.count - 1][pipeline.variables[0]] = key }
                    try executor.run(body, dot: value)
                }
            } catch Leave.breakLoop {
                scopes.removeLast(scopes.count - depth)
                return
            } catch Leave.continueLoop {
                scopes.removeLast(scopes.count - depth)
            }
        }
    }

    /// With variables of its own, which end with it.
    private mutating func scoped(_ body: (inout TemplateExecutor) throws -> Void) throws {
        scopes.append([:])
        try body(&self)
        scopes.removeLast()
    }

    private mutating func evaluate(_ pipeline: TemplatePipeline, dot: TemplateValue) throws -> TemplateValue {
        var value: TemplateValue?
        for command in pipeline.commands { value = try call(command, last: value, dot: dot, line: pipeline.line) }
        let result = value ?? .none
        if let name = pipeline.variables.first {
            if pipeline.isAssignment {
                guard let scope = scopes.lastIndex(where: { $0[name] != nil }) else { throw error("undefined variable: $\(name)", pipeline.line) }
                scopes[scope][name] = result
            } else {
                scopes[scopes.count - 1][name] = result
            }
        }
        return result
    }

    private mutating func call(
        _ operands: [TemplateOperand], last: TemplateValue?, dot: TemplateValue, line: Int
    ) throws -> TemplateValue {
        steps += 1
        guard steps <= options.maximumSteps else { throw error("took more than \(options.maximumSteps) steps", line) }
        guard case .function(let name) = operands[0] else {
            guard operands.count == 1, last == nil else { throw error("can't give argument to non-function", line) }
            return try value(operands[0], dot: dot, line: line)
        }
        // These two look at no more arguments than they need.
        if name == "and" || name == "or" {
            var result: TemplateValue?
            for operand in operands.dropFirst() {
                let argument = try value(operand, dot: dot, line: line)
                if argument.isTrue == (name == "or") { return argument }
                result = argument
            }
            guard let final = last ?? result else { throw error("\(name) needs a value", line) }
            return final
        }
        var arguments: [TemplateValue] = []
        for operand in operands.dropFirst() { arguments.append(try value(operand, dot: dot, line: line)) }
        if let last { arguments.append(last) }
        return try apply(name, arguments, line)
    }

    private mutating func apply(_ name: String, _ arguments: [TemplateValue], _ line: Int) throws -> TemplateValue {
        if name == options.invocation {
            guard arguments.count == 2 else { throw error("wrong number of args for \(name): want 2 got \(arguments.count)", line) }
            let before = output
            output = ""
            try invoke(arguments[0].text, with: arguments[1], line)
            defer { output = before }
            return .string(output)
        }
        guard let function = functions[name] ?? Template.standardFunctions[name] else { throw error("function \"\(name)\" not defined", line) }
        do {
            return try function(arguments)
        } catch let failure as TemplateFailure {
            throw error("error calling \(name): \(failure)", line)
        }
    }

    private mutating func value(_ operand: TemplateOperand, dot: TemplateValue, line: Int) throws -> TemplateValue {
        switch operand {
        case .literal(let value): return value
        case .dot(let fields): return try select(fields, of: dot, line)
        case .variable(let name, let fields):
            guard let value = scopes.last(where: { $0[name] != nil })?[name] else { throw error("undefined variable: $\(name)", line) }
            return try select(fields, of: value, line)
        case .function(let name): return try apply(name, [], line)
        case .pipeline(let pipeline, let fields): return try select(fields, of: evaluate(pipeline, dot: dot), line)
        }
    }

    private func select(_ fields: [String], of value: TemplateValue, _ line: Int) throws -> TemplateValue {
        var value = value
        for field in fields {
            switch value {
            case .map(let members): value = members[field] ?? options.missingValue
            case .none: throw error("nil pointer evaluating .\(field)", line)
            default: throw error("can't evaluate field \(field) in \(value.kind)", line)
            }
        }
        return value
    }

    private mutating func write(_ text: String, line: Int) throws {
        output += text
        guard output.utf8.count <= options.maximumOutput else { throw error("output is over \(options.maximumOutput) bytes", line) }
    }

    private func error(_ problem: String, _ line: Int) -> TemplateError {
        TemplateError(name: template.name, line: max(line, 1), problem: problem)
    }
}
