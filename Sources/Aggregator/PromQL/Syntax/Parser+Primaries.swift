import Pattern
import QuerySyntax
import Telemetry

/// Literals, calls and aggregations.
extension Parser {
    mutating func primary() throws(SyntaxFault) -> Expression {
        let start = token.position
        switch token.kind {
        case .number(let value):
            advance()
            return Expression(.number(value), at: start)
        case .duration(let milliseconds):
            advance()
            return Expression(.number(Double(milliseconds) / 1000), at: start)
        case .string(let value):
            advance()
            return Expression(.string(value), at: start)
        case .symbol("("):
            advance()
            let inner = try expression(above: 0)
            try expect(")", "to close the parenthesis")
            return Expression(.parentheses(inner), at: start.lowerBound..<lastEnd)
        case .symbol("{"): return try selector(named: nil, from: start)
        case .identifier(let word):
            if let operation = Aggregation.Operation(rawValue: word.lowercased()),
                following.kind == .symbol("(") || isKeyword("by", following) || isKeyword("without", following)
            {
                return try aggregation(operation)
            }
            if following.kind == .symbol("(") { return try call(word) }
            if ["bool", "on", "ignoring", "group_left", "group_right"].contains(word.lowercased()) { throw unexpected("an expression") }
            advance()
            return try selector(named: word, from: start)
        default: throw unexpected("an expression")
        }
    }

    mutating func call(_ name: String) throws(SyntaxFault) -> Expression {
        let start = token.position
        guard let function = Function.named(name) else {
            let known = Array(Function.table.keys) + Aggregation.Operation.allCases.map(\.rawValue)
            let hint = NearestName.match(name, among: known).map { ", did you mean \"\($0)\"?" } ?? ""
            throw SyntaxFault(message: "unknown function \"\(name)\"\(hint)", position: start)
        }
        advance()
        advance()
        var arguments: [Expression] = []
        while !isSymbol(")") {
            if name == "info", arguments.count == 1, isSymbol("{") {
                // These conditions choose labels, so all may be met by an absent one.
                arguments.append(try selector(named: nil, from: token.position, mayMatchAll: true))
            } else {
                arguments.append(try expression(above: 0))
            }
            guard take(",") else { break }
            if isSymbol(")") { throw unexpected("an argument after \",\"") }
        }
        try expect(")", "or \",\" in the call of \(name)()")
        let position = start.lowerBound..<lastEnd
        let least = function.parameters.count - function.optionalCount
        let most = function.isVariadic ? Int.max : function.parameters.count
        guard arguments.count >= least, arguments.count <= most else {
            let wanted = least == most ? "\(least)" : most == .max ? "at least \(least)" : "\(least) to \(most)"
            throw SyntaxFault(message: "\(name)() takes \(wanted) argument\(wanted == "1" ? "" : "s"), not \(arguments.count)", position: position)
        }
        for (number, argument) in arguments.enumerated() {
            let wanted = function.parameters[min(number, function.parameters.count - 1)]
            guard argument.type == wanted else {
                let hint = wanted == .matrix && argument.type == .vector ? "; add a range, such as [5m]" : ""
                throw SyntaxFault(
                    message: "argument \(number + 1) of \(name)() must be a \(wanted.phrase), not a \(argument.type.phrase)\(hint)",
                    position: argument.position)
            }
        }
        try checkExtensions(name, arguments)
        if name == "info", arguments.count == 2 {
            guard case .selector(let selector) = arguments[1].node, selector.shift == TimeShift(), selector.looksBeyond == nil else {
                throw SyntaxFault(
                    message: "argument 2 of info() must be conditions on labels in braces, such as {k8s_cluster_name=~\".+\"}", position: arguments[1].position)
            }
        }
        return Expression(.call(name, arguments), at: position)
    }

    /// Which functions can read beyond a range.
    private func checkExtensions(_ name: String, _ arguments: [Expression]) throws(SyntaxFault) {
        for argument in arguments {
            guard case .range(let range) = argument.inner.node, let word = range.selector.looksBeyond else { continue }
            let allowed = word == .smoothed ? ["delta", "increase", "rate"] : ["changes", "delta", "increase", "rate", "resets"]
            guard allowed.contains(name) else {
                throw SyntaxFault(
                    message: "\(word.rawValue) modifier can only be used with: \(allowed.joined(separator: ", ")) - not with \(name)",
                    position: argument.position)
            }
        }
    }

    mutating func aggregation(_ operation: Aggregation.Operation) throws(SyntaxFault) -> Expression {
        let start = token.position
        advance()
        var clause = try groupingClause()
        try expect("(", "after \(operation.rawValue)")
        var arguments: [Expression] = []
        while !isSymbol(")") {
            arguments.append(try expression(above: 0))
            guard take(",") else { break }
        }
        try expect(")", "or \",\" in \(operation.rawValue)()")
        let late = token.position
        if let second = try groupingClause() {
            guard clause == nil else { throw SyntaxFault(message: "by or without may stand once only", position: late) }
            clause = second
        }
        let position = start.lowerBound..<lastEnd
        let wantedCount = operation.parameter == nil ? 1 : 2
        guard arguments.count == wantedCount, let inner = arguments.last else {
            let form = operation.parameter == nil ? "an instant vector" : "a \(operation.parameter?.phrase ?? "") and an instant vector"
            throw SyntaxFault(
                message: "\(operation.rawValue)() takes \(form), not \(arguments.count) argument\(arguments.count == 1 ? "" : "s")", position: position)
        }
        guard inner.type == .vector else {
            throw SyntaxFault(
                message: "\(operation.rawValue)() aggregates an instant vector, not a \(inner.type.phrase)"
                    + (inner.type == .matrix ? "; use a function over time such as rate()" : ""), position: inner.position)
        }
        let parameter = wantedCount == 2 ? arguments[0] : nil
        if let parameter, let wanted = operation.parameter, parameter.type != wanted {
            throw SyntaxFault(
                message: "the parameter of \(operation.rawValue)() must be a \(wanted.phrase), not a \(parameter.type.phrase)", position: parameter.position)
        }
        return Expression(
            .aggregation(
                Aggregation(operation: operation, parameter: parameter, inner: inner, isWithout: clause?.isWithout ?? false, labels: clause?.labels ?? [])),
            at: position)
    }

    mutating func groupingClause() throws(SyntaxFault) -> (isWithout: Bool, labels: [String])? {
        let isWithout = isKeyword("without", token)
        guard isWithout || isKeyword("by", token) else { return nil }
        advance()
        return (isWithout, try labelNames("after \(isWithout ? "without" : "by")"))
    }

    /// `(a, b, "c.d")`, a last comma allowed.
    mutating func labelNames(_ context: String) throws(SyntaxFault) -> [String] {
        try expect("(", context)
        var names: [String] = []
        while !isSymbol(")") {
            switch token.kind {
            case .identifier(let name) where !name.contains(":"): names.append(name)
            case .string(let name) where !name.isEmpty: names.append(name)
            default: throw unexpected("a label's name")
            }
            advance()
            guard take(",") else { break }
        }
        try expect(")", "or \",\" in the list of labels")
        return names
    }
}
