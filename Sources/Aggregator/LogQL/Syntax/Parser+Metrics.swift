import Pattern
import QuerySyntax
import Telemetry

extension Parser {
    static let functionNames =
        RangeAggregation.Operation.allCases.map(\.rawValue) + VectorAggregation.Operation.allCases.map(\.rawValue) + ["label_replace", "vector"]

    /// A function or an aggregation.
    mutating func call() throws(SyntaxFault) -> LogMetric {
        let start = token
        guard let word else { throw unexpected("a function") }
        let isCall = peek().kind == .symbol("(")
        if isCall, let operation = RangeAggregation.Operation(rawValue: word) { return .range(try rangeAggregation(operation)) }
        if let operation = VectorAggregation.Operation(rawValue: word), isCall || ["by", "without"].contains(peek().lowercased) {
            return .aggregation(try vectorAggregation(operation))
        }
        switch word {
        case "label_replace" where isCall: return try labelReplace()
        case "vector" where isCall:
            advance()
            advance()
            let value = try signedNumber("a number")
            try expect(")", "after the number")
            return .vector(value)
        case "inf", "nan": return .number(try signedNumber("a number"))
        default:
            let nearest = NearestName.match(word, among: Parser.functionNames).map { "; did you mean \"\($0)\"?" }
            throw SyntaxFault(
                message: isCall
                    ? "unknown function \"\(word)\"\(nearest ?? "")"
                    : "unexpected \(start.shown(in: text)), expected a selector such as {pod=\"web\"} or a function\(nearest ?? "")",
                position: start.position)
        }
    }

    private mutating func grouping() throws(SyntaxFault) -> LabelGrouping? {
        guard let word, word == "by" || word == "without" else { return nil }
        advance()
        return LabelGrouping(isWithout: word == "without", try names("labels to group by"))
    }

    // MARK: Over lines

    private mutating func rangeAggregation(_ operation: RangeAggregation.Operation) throws(SyntaxFault) -> RangeAggregation {
        let start = token.position
        advance()
        try expect("(", "after \(operation.rawValue)")
        var parameter: Double?
        if operation == .quantileOverTime {
            guard case .number(let value) = token.kind else { throw unexpected("a quantile such as 0.99") }
            advance()
            try expect(",", "after the quantile")
            parameter = value
        } else if case .number = token.kind {
            throw SyntaxFault(message: "\(operation.rawValue) takes no parameter", position: token.position)
        }
        var parts = RangeParts()
        try nested { parser throws(SyntaxFault) in try parser.logRange(&parts) }
        guard let pipeline = parts.pipeline else { throw unexpected("a selector") }
        guard let range = parts.range else { throw unexpected("a range such as [5m] in \(operation.rawValue)") }
        try expect(")", "after the range of \(operation.rawValue)")
        let groupingPlace = token.position
        let grouping = try grouping()
        if grouping != nil, !operation.allowsGrouping {
            throw SyntaxFault(
                message: "grouping is not allowed for \(operation.rawValue); wrap it: sum by (…) (\(operation.rawValue)(…))", position: groupingPlace)
        }
        switch (operation.unwrapping, parts.unwrap) {
        case (.forbidden, .some): throw SyntaxFault(message: "\(operation.rawValue) counts lines; it takes no unwrap", position: start)
        case (.needed, nil): throw SyntaxFault(message: "\(operation.rawValue) needs \"| unwrap label\" in its range", position: start)
        default: break
        }
        for stage in pipeline.stages where stage.isGlobal {
            throw SyntaxFault(message: "\(stage.keyword) shapes an answer of lines; it has no place in \(operation.rawValue)", position: start)
        }
        return RangeAggregation(operation, pipeline, range: range, parameter: parameter, unwrap: parts.unwrap, offset: parts.offset, grouping: grouping)
    }

    private struct RangeParts {
        var pipeline: LogPipeline?
        var unwrap: Unwrap?
        var range: Int64?
        var offset: Int64 = 0
    }

    /// A selector with stages, `unwrap` and one range, which may stand behind the selector or at the end.
    private mutating func logRange(_ parts: inout RangeParts) throws(SyntaxFault) {
        if take("(") {
            try nested { parser throws(SyntaxFault) in try parser.logRange(&parts) }
            try expect(")", "to close the parenthesis")
        } else {
            parts.pipeline = LogPipeline(matchers: try selector())
        }
        while true {
            if at("[") {
                guard parts.range == nil else { throw SyntaxFault(message: "the range is given twice", position: token.position) }
                advance()
                guard case .duration(let range) = token.kind, range > 0 else { throw unexpected("a duration above 0, such as 5m") }
                advance()
                try expect("]", "after the range")
                parts.range = range
                if takeWord("offset") { parts.offset = try offset() }
            } else if at("|"), peek().lowercased == "unwrap", !peekComparesName {
                guard parts.unwrap == nil else { throw SyntaxFault(message: "unwrap is given twice", position: token.position) }
                advance()
                advance()
                parts.unwrap = try unwrap()
            } else if startsStage {
                let place = token.position
                let stage = try stage()
                if parts.unwrap == nil {
                    parts.pipeline?.stages.append(stage)
                } else if case .label(let filter) = stage {
                    parts.unwrap?.filters.append(filter)
                } else {
                    throw SyntaxFault(message: "after unwrap only label filters may follow", position: place)
                }
            } else {
                return
            }
        }
    }

    /// `| unwrap > 5`: a label called unwrap.
    private var peekComparesName: Bool {
        guard case .symbol(let symbol) = peek(2).kind else { return false }
        return ["=", "==", "!=", "=~", "!~", ">", ">=", "<", "<="].contains(symbol)
    }

    private mutating func offset() throws(SyntaxFault) -> Int64 {
        let isNegative = take("-")
        guard case .duration(let value) = token.kind else { throw unexpected("a duration after offset, such as 1h") }
        advance()
        return isNegative ? -value : value
    }

    private mutating func unwrap() throws(SyntaxFault) -> Unwrap {
        let place = token.position
        let label = try name("a label's name")
        guard take("(") else { return Unwrap(label) }
        guard let conversion = Unwrap.Conversion(rawValue: label.lowercased()) else {
            throw SyntaxFault(message: "unknown conversion \"\(label)\"; there are bytes, duration and duration_seconds", position: place)
        }
        let inner = try name("a label's name")
        try expect(")", "after the label")
        return Unwrap(inner, conversion: conversion)
    }

    // MARK: Over series

    private mutating func vectorAggregation(_ operation: VectorAggregation.Operation) throws(SyntaxFault) -> VectorAggregation {
        let start = token.position
        advance()
        var grouping = try grouping()
        try expect("(", "after \(operation.rawValue)")
        var parameter: Int?
        if operation.needsParameter {
            let place = token.position
            guard let count = try? whole("a count"), count > 0 else {
                throw SyntaxFault(message: "\(operation.rawValue) needs a whole number above 0 and a comma: \(operation.rawValue)(10, …)", position: place)
            }
            parameter = count
            try expect(",", "after the count")
        }
        let place = token.position
        guard case .metric(let inner) = try expression() else {
            throw SyntaxFault(
                message: "\(operation.rawValue) needs numbers, and this is a query for lines; wrap it in count_over_time(… [5m])", position: place)
        }
        try expect(")", "to close \(operation.rawValue)")
        if grouping == nil { grouping = try self.grouping() }
        if grouping != nil, [.approximateTopk, .sort, .sortDescending].contains(operation) {
            throw SyntaxFault(message: "\(operation.rawValue) takes no grouping", position: start)
        }
        guard !inner.isScalar else { throw SyntaxFault(message: "\(operation.rawValue) needs a vector, and this is a number", position: place) }
        return VectorAggregation(operation, inner, parameter: parameter, grouping: grouping)
    }

    private mutating func labelReplace() throws(SyntaxFault) -> LogMetric {
        advance()
        advance()
        let place = token.position
        guard case .metric(let inner) = try expression(), !inner.isScalar else {
            throw SyntaxFault(message: "label_replace needs a vector", position: place)
        }
        var texts: [String] = []
        for what in ["the label to set", "the replacement", "the source label", "the regular expression"] {
            try expect(",", "before \(what)")
            if what == "the regular expression" {
                let place = token.position
                let text = try string("\(what) in quotes")
                do throws(PatternError) { _ = try Pattern(text, anchored: true) } catch {
                    throw SyntaxFault(message: "the regular expression is wrong: \(error.message)", position: place)
                }
                texts.append(text)
            } else {
                texts.append(try string("\(what) in quotes"))
            }
        }
        try expect(")", "to close label_replace")
        return .labelReplace(inner, destination: texts[0], replacement: texts[1], source: texts[2], pattern: texts[3])
    }
}

extension Token {
    /// The lower-case word; empty for what is no name.
    var lowercased: String { if case .identifier(let name) = kind { name.lowercased() } else { "" } }
}
