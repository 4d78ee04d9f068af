import JSON
import PromQL
import Telemetry

/// A parsed query as `/api/v1/parse_query` shows it.
enum SyntaxTree {
    static func json(_ expression: Expression) -> JSON {
        switch expression.node {
        case .number(let value): return ["type": "numberLiteral", "val": .string(NumberText.string(value))]
        case .string(let text): return ["type": "stringLiteral", "val": .string(text)]
        case .parentheses(let inner): return ["type": "parenExpr", "expr": json(inner)]
        case .unary(let isMinus, let inner): return ["type": "unaryExpr", "op": .string(isMinus ? "-" : "+"), "expr": json(inner)]
        case .selector(let selector): return .object([("type", "vectorSelector")] + members(selector))
        case .range(let range):
            return .object([("type", "matrixSelector"), ("range", .integer(range.range.milliseconds))] + members(range.selector))
        case .subquery(let subquery):
            return .object(
                [
                    ("type", "subquery"), ("expr", json(subquery.inner)), ("range", .integer(subquery.range.milliseconds)),
                    ("step", .integer(subquery.step?.milliseconds ?? 0)),
                ] + members(subquery.shift))
        case .call(let name, let arguments):
            let function = Function.named(name)
            let variadic = function.map { $0.isVariadic ? -1 : $0.optionalCount } ?? 0
            return [
                "type": "call",
                "func": [
                    "name": .string(name), "argTypes": .array((function?.parameters ?? []).map { .string($0.rawValue) }), "variadic": JSON(variadic),
                    "returnType": .string(function?.result.rawValue ?? "vector"),
                ],
                "args": .array(arguments.map(json)),
            ]
        case .aggregation(let aggregation):
            return [
                "type": "aggregation", "op": .string(aggregation.operation.rawValue), "expr": json(aggregation.inner),
                "param": aggregation.parameter.map(json) ?? nil, "grouping": .array(aggregation.labels.map { .string($0) }),
                "without": .bool(aggregation.isWithout),
            ]
        case .binary(let binary):
            let isVector = binary.left.type == .vector && binary.right.type == .vector
            return [
                "type": "binaryExpr", "op": .string(binary.operation.rawValue), "lhs": json(binary.left), "rhs": json(binary.right),
                "matching": isVector ? matching(binary.matching) : nil, "bool": .bool(binary.returnsBool),
            ]
        }
    }

    private static func matching(_ matching: Binary.Matching) -> JSON {
        let cardinality =
            switch matching.cardinality {
            case .oneToOne: "one-to-one"
            case .manyToOne: "many-to-one"
            case .oneToMany: "one-to-many"
            case .manyToMany: "many-to-many"
            }
        var members: [(String, JSON)] = [
            ("card", .string(cardinality)), ("labels", .array(matching.labels.map { .string($0) })), ("on", .bool(matching.isOn)),
            ("include", .array(matching.include.map { .string($0) })),
        ]
        if matching.fillLeft != nil || matching.fillRight != nil {
            func number(_ value: Double?) -> JSON { value.map { .string(NumberText.string($0)) } ?? nil }
            members.append(("fillValues", ["lhs": number(matching.fillLeft), "rhs": number(matching.fillRight)]))
        }
        return .object(members)
    }

    private static func members(_ selector: Selector) -> [(String, JSON)] {
        [
            ("name", .string(selector.name ?? "")),
            (
                "matchers",
                .array(selector.matchers.map { ["name": .string($0.name), "value": .string($0.value), "type": .string($0.operation.rawValue)] })
            ),
        ] + members(selector.shift)
    }

    private static func members(_ shift: TimeShift) -> [(String, JSON)] {
        var timestamp: JSON = nil
        var edge: JSON = nil
        switch shift.anchor {
        case .time(let time): timestamp = .integer(time.milliseconds)
        case .start: edge = "start"
        case .end: edge = "end"
        case nil: break
        }
        return [("offset", .integer(shift.offsetMilliseconds)), ("timestamp", timestamp), ("startOrEnd", edge)]
    }
}
