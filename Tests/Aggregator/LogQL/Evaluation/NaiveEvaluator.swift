import JSON
import Telemetry

@testable import LogQL

/// LogQL line by line, step by step, in the plainest way: maps of texts, documents as trees, each window counted anew.
/// It knows the part of the language that `RandomQuery` makes.
struct NaiveEvaluator {
    struct Failure: Error {}
    struct Line {
        var text: String
        var labels: [String: String]
        var base: Set<String>
        var time: Int64
        var sequence: Int
    }

    let source: MemorySource

    func line(_ number: Int) -> Line {
        let row = source.rows[number]
        var labels = row.stream.dictionary
        for field in row.fields.list { labels[labels[field.name] == nil ? field.name : field.name + "_extracted"] = field.value }
        if row.severity != .unknown { labels["detected_level"] = row.severity.levelName }
        return Line(text: row.line, labels: labels, base: Set(labels.keys), time: row.time, sequence: number)
    }

    /// All lines that go through, by time and arrival.
    func lines(_ pipeline: LogPipeline) throws -> [Line] {
        var result: [Line] = []
        for number in source.rows.indices where pipeline.matchers.allSatisfy({ $0.accepts(source.rows[number].stream) }) {
            var line = line(number)
            if try pipeline.stages.allSatisfy({ try run($0, &line) }) { result.append(line) }
        }
        return result.sorted { ($0.time, $0.sequence) < ($1.time, $1.sequence) }
    }

    private func run(_ stage: LogStage, _ line: inout Line) throws -> Bool {
        switch stage {
        case .line(let condition):
            let found = condition.alternatives.contains { alternative in
                guard case .text(let text) = alternative else { return false }
                switch condition.operation {
                case .contains, .lacks: return text.isEmpty || line.text.contains(text)
                case .containsIgnoringCase, .lacksIgnoringCase: return line.text.lowercased().contains(text.lowercased())
                default: return false
                }
            }
            return found != [.lacks, .lacksIgnoringCase].contains(condition.operation)
        case .json(let list) where list.isEmpty:
            guard let document = try? JSON.parse(line.text), let members = document.object else {
                if line.labels["__error__"] == nil { line.labels["__error__"] = "JSONParserErr" }
                return true
            }
            var found: [(String, String)] = []
            flatten(members, "", &found)
            for (name, value) in found { extract(name, value, &line) }
        case .logfmt:
            for word in line.text.split(separator: " ") {
                let parts = word.split(separator: "=", omittingEmptySubsequences: false)
                if parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty, !word.contains("\"") { extract(String(parts[0]), String(parts[1]), &line) }
            }
        case .label(let filter): return holds(filter, &line)
        case .lineFormat(let template):
            var text = template
            for name in ["a", "b", "pod", "zz"] { text = text.replacing("{{.\(name)}}", with: line.labels[name] ?? "") }
            line.text = text
        case .labelFormat(let formats):
            let before = line.labels
            var values: [(String, String)] = []
            for format in formats {
                guard case .label(let label) = format.source, let value = before[label] else { continue }
                values.append((format.destination, value))
                if label != format.destination { line.labels[label] = nil }
            }
            for (name, value) in values { line.labels[name] = value }
        case .drop(let choices):
            for choice in choices {
                if case .matching(let matcher) = choice, !matcher.accepts(line.labels[matcher.name] ?? "") { continue }
                line.labels[choice.name] = nil
            }
        case .keep(let choices):
            line.labels = line.labels.filter { name, _ in name == "__error__" || choices.contains { $0.name == name } }
        default: throw Failure()
        }
        return true
    }

    private func flatten(_ members: JSONObject, _ prefix: String, _ found: inout [(String, String)]) {
        for (key, value) in members {
            let name = prefix.isEmpty ? key : "\(prefix)_\(key)"
            if let object = value.object {
                flatten(object, name, &found)
            } else if let text = value.string {
                found.append((name, text))
            } else if !value.isNull, value.array == nil {
                found.append((name, value.description))
            }
        }
    }

    /// The first value stays; one whose name the stream or the metadata has gets another name.
    private func extract(_ name: String, _ value: String, _ line: inout Line) {
        let final = line.base.contains(name) && line.labels[name] != nil ? name + "_extracted" : name
        if line.labels[final] == nil || line.base.contains(final) && final != name { line.labels[final] = value }
    }

    private func holds(_ filter: LabelFilter, _ line: inout Line) -> Bool {
        switch filter {
        case .matcher(let matcher): return matcher.accepts(line.labels[matcher.name] ?? "")
        case .and(let left, let right): return holds(left, &line) && holds(right, &line)
        case .or(let left, let right): return holds(left, &line) || holds(right, &line)
        case .quantity(let name, let comparison, .number(let wanted)):
            if line.labels["__error__"] != nil { return true }
            guard let text = line.labels[name] else { return false }
            guard let value = Double(text) else {
                line.labels["__error__"] = "LabelFilterErr"
                return true
            }
            switch comparison {
            case .equal: return value == wanted
            case .notEqual: return value != wanted
            case .greater: return value > wanted
            case .greaterOrEqual: return value >= wanted
            case .less: return value < wanted
            case .lessOrEqual: return value <= wanted
            }
        default: return false
        }
    }

    // MARK: Numbers

    /// Series by labels, nil where there is no value.
    func series(_ metric: LogMetric, _ steps: LogSteps) throws -> [Labels: [Double?]] {
        switch metric {
        case .range(let range): return try series(range, steps)
        case .aggregation(let aggregation):
            var groups: [Labels: [[Double?]]] = [:]
            for (labels, values) in try series(aggregation.inner, steps) {
                let grouping = aggregation.grouping ?? LabelGrouping([])
                groups[Labels(labels.dictionary.filter { grouping.labels.contains($0.key) != grouping.isWithout }), default: []].append(values)
            }
            return groups.mapValues { members in
                (0..<steps.count).map { step in
                    let values = members.compactMap { $0[step] }
                    if values.isEmpty { return nil }
                    switch aggregation.operation {
                    case .sum: return values.reduce(0, +)
                    case .avg: return values.reduce(0, +) / Double(values.count)
                    case .min: return values.min()
                    case .max: return values.max()
                    default: return Double(values.count)
                    }
                }
            }
        default: throw Failure()
        }
    }

    private func series(_ range: RangeAggregation, _ steps: LogSteps) throws -> [Labels: [Double?]] {
        var groups: [Labels: [(time: Int64, value: Double)]] = [:]
        let all = try lines(range.pipeline)
        // Only lines in some window are looked at.
        let windows = (0..<steps.count).map { (steps.time($0) - range.range - range.offset, steps.time($0) - range.offset) }
        for line in all where line.time > windows[0].0 && line.time <= windows[steps.count - 1].1 {
            var line = line
            var value = range.operation == .bytesOverTime ? Double(line.text.utf8.count) : 1
            if let unwrap = range.unwrap {
                guard let text = line.labels[unwrap.label] else { continue }
                if let number = Double(text) { value = number } else if line.labels["__error__"] == nil { line.labels["__error__"] = "SampleExtractionErr" }
                guard unwrap.filters.allSatisfy({ holds($0, &line) }) else { continue }
                if range.grouping?.isWithout != false { line.labels[unwrap.label] = nil }
            }
            if line.labels["__error__"] != nil { throw Failure() }
            var labels = line.labels
            if let grouping = range.grouping { labels = labels.filter { grouping.labels.contains($0.key) != grouping.isWithout } }
            groups[Labels(labels), default: []].append((line.time, value))
        }
        return groups.mapValues { values in
            windows.map { lower, upper in
                let inside = values.filter { $0.time > lower && $0.time <= upper }.map(\.value)
                if inside.isEmpty { return nil }
                let sum = inside.reduce(0, +), mean = sum / Double(inside.count)
                switch range.operation {
                case .rate: return sum / (Double(range.range) / 1e9)
                case .averageOverTime: return mean
                case .minimumOverTime: return inside.min()
                case .maximumOverTime: return inside.max()
                case .firstOverTime: return inside.first
                case .lastOverTime: return inside.last
                case .varianceOverTime: return inside.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(inside.count)
                case .quantileOverTime:
                    let sorted = inside.sorted(), rank = (range.parameter ?? 0) * Double(inside.count - 1)
                    let lower = Int(rank), upper = min(lower + 1, sorted.count - 1)
                    return sorted[lower] + (sorted[upper] - sorted[lower]) * (rank - Double(lower))
                default: return sum
                }
            }
        }
    }
}
