import PromQL
import Telemetry

/// Series in memory, for tests.
struct MemorySource: SampleSource {
    var all: [SeriesSamples] = []

    private func chosen(_ matchers: [Matcher], _ from: Timestamp, _ through: Timestamp) -> [SeriesSamples] {
        all.compactMap { series in
            guard matchers.allSatisfy({ $0.accepts(series.labels) }) else { return nil }
            let kept = series.timestamps.indices.filter { series.timestamps[$0] >= from.milliseconds && series.timestamps[$0] <= through.milliseconds }
            guard !kept.isEmpty else { return nil }
            return SeriesSamples(labels: series.labels, timestamps: kept.map { series.timestamps[$0] }, values: kept.map { series.values[$0] })
        }
    }

    func select(_ matchers: [Matcher], from: Timestamp, through: Timestamp) async throws -> [SeriesSamples] { chosen(matchers, from, through) }
    func labelNames(matchers: [Matcher], from: Timestamp, through: Timestamp) async throws -> [String] {
        Set(chosen(matchers, from, through).flatMap { $0.labels.list.map(\.name) }).sorted()
    }
    func labelValues(_ name: String, matchers: [Matcher], from: Timestamp, through: Timestamp) async throws -> [String] {
        Set(chosen(matchers, from, through).map { $0.labels[name] }.filter { !$0.isEmpty }).sorted()
    }
    func series(matchers: [Matcher], from: Timestamp, through: Timestamp) async throws -> [Labels] { chosen(matchers, from, through).map(\.labels) }
}

/// A script of queries and what they must yield.
///
///     load 30s
///       http_total{job="a"} 0+10x4 _ stale 7
///     eval instant at 2m  rate(http_total[2m])
///       {job="a"} 0.25
///     eval range from 0 to 1m step 30s  http_total
///       http_total{job="a"} 0 10 20
///     eval instant at 0  rat(x[1m])
///       error: unknown function
///     eval ordered at 1m  sort(x)       the order counts
///     clear
///
/// Values: numbers, `_` for none, `stale`, and `a+bxn` or `a-bxn` for n more values. An expected line that starts
/// with `info:` or `warning:` or `error:` must be part of such a remark. A scalar is expected as a bare number, a
/// string in quotes. Lines that start with `#` are remarks.
struct QueryScript {
    struct Failure: Error, CustomStringConvertible { var description: String }

    struct Evaluation {
        enum Time { case instant(Int64), range(Int64, Int64, Int64) }
        var line: Int
        var time: Time
        var isOrdered: Bool
        var query: String
        var expected: [String] = []
    }

    private var source = MemorySource()
    private var loadStep: Int64 = 0

    /// Runs a script; returns what differed.
    static func run(_ text: String, name: String) async throws -> [String] {
        var script = QueryScript()
        var failures: [String] = []
        var evaluation: Evaluation?
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) + ["clear"]
        for (number, raw) in lines.enumerated() {
            let isIndented = raw.hasPrefix(" ")
            let line = String(raw.drop { $0 == " " })
            if line.isEmpty || line.hasPrefix("#") { continue }
            if isIndented {
                if evaluation != nil { evaluation?.expected.append(line) } else { try script.load(line, number + 1) }
                continue
            }
            if let pending = evaluation { failures += await script.check(pending).map { "\(name):\(pending.line): \(pending.query): \($0)" } }
            evaluation = nil
            let words = line.split(separator: " ").map(String.init)
            switch words[0] {
            case "clear": script.source.all = []
            case "load": script.loadStep = try time(words[1])
            case "eval":
                let isRange = words[1] == "range"
                let time: Evaluation.Time = isRange ? .range(try time(words[3]), try time(words[5]), try time(words[7])) : .instant(try time(words[3]))
                evaluation = Evaluation(
                    line: number + 1, time: time, isOrdered: words[1] == "ordered", query: query(line))
            default: throw Failure(description: "\(name):\(number + 1): unknown command \(words[0])")
            }
        }
        return failures
    }

    /// The queries of a script.
    static func queries(_ text: String) -> [String] { text.split(separator: "\n").filter { $0.hasPrefix("eval ") }.map { query(String($0)) } }

    /// The query of an `eval` line.
    private static func query(_ line: String) -> String {
        let count = line.hasPrefix("eval range") ? 8 : 4
        return String(line.split(separator: " ", maxSplits: count, omittingEmptySubsequences: true)[count]).trimmingSpaces
    }

    private static func time(_ text: String) throws -> Int64 {
        if let time = NumberText.parseDuration(Array(text.utf8)) { return time }
        guard let seconds = Double(text) else { throw Failure(description: "\(text) is no time") }
        return Int64(seconds * 1000)
    }

    /// Splits `name{labels} values`.
    private static func split(_ line: String) -> (labels: Labels, values: String)? {
        var end = line.firstIndex(of: " ") ?? line.endIndex
        if let open = line.firstIndex(of: "{"), open < end || line.hasPrefix("{") {
            var isQuoted = false
            var wasEscape = false
            for index in line.indices {
                let character = line[index]
                if character == "\"", !wasEscape { isQuoted.toggle() }
                wasEscape = character == "\\" && !wasEscape
                if character == "}", !isQuoted {
                    end = line.index(after: index)
                    break
                }
            }
        }
        let head = line[..<end]
        if head == "{}" { return (Labels(), String(line[end...])) }
        guard let first = head.first, first == "{" || first == "_" || first == ":" || first.isLetter,
            let matchers = try? Parser.parseSelector(String(head)), !matchers.isEmpty
        else { return nil }
        return (Labels(matchers.map { ($0.name, $0.value) }), String(line[end...]))
    }

    private static func values(_ text: String) throws -> [Double] {
        var values: [Double] = []
        for word in text.split(separator: " ") {
            if word == "_" {
                values.append(.absent)
            } else if word == "stale" {
                values.append(.stale)
            } else if let cross = word.lastIndex(of: "x"), let times = Int(word[word.index(after: cross)...]) {
                let body = word[..<cross]
                if body == "_" {
                    values += repeatElement(.absent, count: times)
                    continue
                }
                guard let sign = body.dropFirst().lastIndex(where: { $0 == "+" || $0 == "-" }), let first = Double(body[..<sign]),
                    let step = Double(body[sign...])
                else {
                    guard let value = Double(body) else { throw Failure(description: "\(word) is no value") }
                    values += repeatElement(value, count: times + 1)
                    continue
                }
                values += (0...times).map { first + Double($0) * step }
            } else {
                guard let value = Double(word) else { throw Failure(description: "\(word) is no value") }
                values.append(value)
            }
        }
        return values
    }

    private mutating func load(_ line: String, _ number: Int) throws {
        guard let (labels, text) = QueryScript.split(line) else { throw Failure(description: "line \(number): no series in \(line)") }
        var series = SeriesSamples(labels: labels, timestamps: [], values: [])
        for (index, value) in try QueryScript.values(text).enumerated() where !value.isAbsent {
            series.timestamps.append(Int64(index) * loadStep)
            series.values.append(value)
        }
        source.all.append(series)
    }

    private func check(_ evaluation: Evaluation) async -> [String] {
        let engine = Engine(source: source)
        let result: QueryResult
        do throws(QueryError) {
            switch evaluation.time {
            case .instant(let time): result = try await engine.instant(evaluation.query, at: Timestamp(milliseconds: time))
            case .range(let from, let through, let step):
                result = try await engine.range(
                    evaluation.query, from: Timestamp(milliseconds: from), through: Timestamp(milliseconds: through), step: .milliseconds(step))
            }
        } catch {
            guard let line = evaluation.expected.first, line.hasPrefix("error:") else { return ["failed: \(error.message)"] }
            let part = String(line.dropFirst(6)).trimmingSpaces
            return error.message.contains(part) ? [] : ["wrong error: \(error.message)"]
        }
        var failures: [String] = []
        var lines = evaluation.expected
        for (prefix, remarks) in [("info:", result.infos), ("warning:", result.warnings)] {
            let wanted = lines.filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)).trimmingSpaces }
            lines.removeAll { $0.hasPrefix(prefix) }
            for part in wanted where !remarks.contains(where: { $0.contains(part) }) { failures.append("no \(prefix) \(part) in \(remarks)") }
            if prefix == "warning:", wanted.isEmpty, !remarks.isEmpty { failures.append("unexpected warnings \(remarks)") }
        }
        if lines.first?.hasPrefix("error:") == true { return ["no error, but \(result.value)"] }
        return failures + compare(result.value, lines, evaluation)
    }

    private func compare(_ value: QueryResult.Value, _ lines: [String], _ evaluation: Evaluation) -> [String] {
        do {
            switch value {
            case .scalar(_, let number):
                guard lines.count == 1, let wanted = try? QueryScript.values(lines[0]).first, QueryScript.isNear(number, wanted) else {
                    return ["got scalar \(number)"]
                }
                return []
            case .string(_, let text): return lines == ["\"\(text)\""] ? [] : ["got string \(text)"]
            case .vector(let samples):
                let got = samples.map { ($0.labels, [$0.value]) }
                return try compare(got, lines, isOrdered: evaluation.isOrdered)
            case .matrix(let series):
                guard case .range(let from, let through, let step) = evaluation.time else {
                    return try compare(series.map { ($0.labels, $0.values) }, lines, isOrdered: false)
                }
                let got = series.map { one in
                    var values = Array(repeating: Double.absent, count: Int((through - from) / step) + 1)
                    for (time, value) in zip(one.timestamps, one.values) { values[Int((time - from) / step)] = value }
                    return (one.labels, values)
                }
                return try compare(got, lines, isOrdered: true)
            }
        } catch { return ["\(error)"] }
    }

    private func compare(_ got: [(Labels, [Double])], _ lines: [String], isOrdered: Bool) throws -> [String] {
        var wanted: [(Labels, [Double])] = []
        for line in lines {
            guard let (labels, text) = QueryScript.split(line) else { return ["cannot read the expected line \(line)"] }
            wanted.append((labels, try QueryScript.values(text)))
        }
        let got = isOrdered ? got : got.sorted { $0.0 < $1.0 }
        if !isOrdered { wanted.sort { $0.0 < $1.0 } }
        let agrees =
            got.count == wanted.count
            && zip(got, wanted).allSatisfy { a, b in
                // Trailing gaps need not be written.
                let width = max(a.1.count, b.1.count)
                let left = a.1 + Array(repeating: .absent, count: width - a.1.count), right = b.1 + Array(repeating: .absent, count: width - b.1.count)
                return a.0 == b.0 && zip(left, right).allSatisfy(QueryScript.isNear)
            }
        return agrees ? [] : ["got\n" + got.map { "      \($0.0) \($0.1.map { $0.isAbsent ? "_" : "\($0)" }.joined(separator: " "))" }.joined(separator: "\n")]
    }

    /// Equal, or within a few units of the last decimal place that a script can show.
    private static func isNear(_ a: Double, _ b: Double) -> Bool {
        if a.isAbsent || b.isAbsent { return a.isAbsent && b.isAbsent }
        if a.isNaN || b.isNaN { return a.isNaN && b.isNaN }
        return a == b || (a - b).magnitude <= 1e-12 * max(a.magnitude, b.magnitude)
    }
}

extension String {
    var trimmingSpaces: String {
        var text = self[...]
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
