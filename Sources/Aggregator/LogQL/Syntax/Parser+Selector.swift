import Pattern
import QuerySyntax
import Telemetry

extension Parser {
    /// A selector and its stages, without `unwrap` and range.
    mutating func pipeline() throws(SyntaxFault) -> LogPipeline {
        var pipeline = LogPipeline(matchers: try selector())
        while startsStage { pipeline.stages.append(try stage()) }
        try checkOrder(pipeline.stages)
        return pipeline
    }

    mutating func selector() throws(SyntaxFault) -> [Matcher] {
        let start = token.position
        try expect("{", "to open the selector")
        var matchers: [Matcher] = []
        while !at("}") {
            let name = try name("a label's name or \"}\"")
            guard case .symbol(let symbol) = token.kind, let operation = Matcher.Operation(rawValue: symbol) else {
                throw unexpected("=, !=, =~ or !~ after the label \"\(name)\"")
            }
            advance()
            matchers.append(try matcher(name, operation))
            guard take(",") else { break }
        }
        try expect("}", "or \",\" in the selector")
        guard !isStrict || matchers.contains(where: { !$0.accepts("") }) else {
            throw SyntaxFault(
                message: "queries require at least one regexp or equality matcher that does not have an empty-compatible value, such as {app=~\".+\"}",
                position: start)
        }
        return matchers
    }

    /// The value of a matcher whose name and operator have been read.
    mutating func matcher(_ name: String, _ operation: Matcher.Operation) throws(SyntaxFault) -> Matcher {
        let place = token.position
        let value = try string("a string in quotes after \"\(name)\(operation.rawValue)\"")
        do throws(PatternError) {
            return try Matcher(name, operation, value)
        } catch {
            throw SyntaxFault(message: "the regular expression for \"\(name)\" is wrong: \(error.message)", position: place)
        }
    }

    /// Stages that look at the whole answer come last, since what follows would not see all lines.
    private func checkOrder(_ stages: [LogStage]) throws(SyntaxFault) {
        guard let first = stages.firstIndex(where: \.isGlobal) else { return }
        for stage in stages[first...] where !stage.isGlobal {
            throw SyntaxFault(message: "\(stages[first].keyword) looks at the whole answer; \"\(stage)\" must stand before it", position: token.position)
        }
    }
}

extension LogStage {
    /// Whether it needs the lines of the answer together, in their order.
    var isGlobal: Bool {
        switch self {
        case .context, .sort, .dedup, .limit: true
        default: false
        }
    }

    /// Its word, for messages.
    var keyword: String { description.split(separator: " ").first { $0 != "|" }.map(String.init) ?? description }
}
