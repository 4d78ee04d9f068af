import Runtime
import Testing

@testable import PromQL

@Suite struct ScriptTests {
    private static let names = [
        "selectors", "ranges", "aggregations", "operators", "functions", "histograms", "subqueries", "extended", "fill", "lengths", "info", "windows", "names",
    ]

    private static func text(_ name: String) throws -> String {
        let folder = String(#filePath.dropLast("ScriptTests.swift".count))
        return try HostFileSystem().text("\(folder)Scripts/\(name).test")
    }

    @Test(arguments: names) func `a script's queries yield what it says`(name: String) async throws {
        let failures = try await QueryScript.run(try Self.text(name), name: name)
        #expect(failures.isEmpty, "\(failures.joined(separator: "\n"))")
    }

    /// Of the queries that are to have a result; what is only refused somewhere is not tested.
    @Test func `every function, aggregation and operator is in some script`() throws {
        var used: Set<String> = []
        for name in Self.names {
            for query in QueryScript.queries(try Self.text(name)) {
                if let expression = try? Parser.parse(query) { Self.collect(expression, &used) }
            }
        }
        let all =
            Function.table.keys.sorted() + Aggregation.Operation.allCases.map(\.rawValue) + Binary.Operation.allCases.map { "operator \($0.rawValue)" }
            + ["bool", "on", "ignoring", "group_left", "group_right", "by", "without", "offset", "@", "subquery", "anchored", "smoothed"]
        let missing = all.filter { !used.contains($0) }
        #expect(missing.isEmpty, "no script has \(missing.joined(separator: ", "))")
    }

    private static func collect(_ expression: Expression, _ used: inout Set<String>) {
        switch expression.node {
        case .number, .string: break
        case .parentheses(let inner), .unary(_, let inner): collect(inner, &used)
        case .selector(let selector): collect(selector.shift, selector.looksBeyond, &used)
        case .range(let range): collect(range.selector.shift, range.selector.looksBeyond, &used)
        case .subquery(let subquery):
            used.insert("subquery")
            collect(subquery.shift, nil, &used)
            collect(subquery.inner, &used)
        case .call(let name, let arguments):
            used.insert(name)
            for argument in arguments { collect(argument, &used) }
        case .aggregation(let aggregation):
            used.insert(aggregation.operation.rawValue)
            if aggregation.isWithout { used.insert("without") } else if !aggregation.labels.isEmpty { used.insert("by") }
            if let parameter = aggregation.parameter { collect(parameter, &used) }
            collect(aggregation.inner, &used)
        case .binary(let binary):
            used.insert("operator \(binary.operation.rawValue)")
            if binary.returnsBool { used.insert("bool") }
            if binary.matching.isOn { used.insert("on") } else if !binary.matching.labels.isEmpty { used.insert("ignoring") }
            switch binary.matching.cardinality {
            case .manyToOne: used.insert("group_left")
            case .oneToMany: used.insert("group_right")
            case .oneToOne, .manyToMany: break
            }
            collect(binary.left, &used)
            collect(binary.right, &used)
        }
    }

    private static func collect(_ shift: TimeShift, _ beyond: SelectorExtension?, _ used: inout Set<String>) {
        if shift.anchor != nil { used.insert("@") }
        if shift.offsetMilliseconds != 0 { used.insert("offset") }
        if let beyond { used.insert(beyond.rawValue) }
    }
}
