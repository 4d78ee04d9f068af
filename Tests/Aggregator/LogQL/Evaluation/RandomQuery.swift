import Telemetry
import TestKit

@testable import LogQL

/// Random lines, and random queries of the kinds that make sense of them.
struct RandomQuery {
    var random: SeededGenerator

    mutating func pick<Element>(_ list: [Element]) -> Element { list[random.below(list.count)] }
    mutating func chance(_ percent: Int) -> Bool { random.below(100) < percent }

    // MARK: Lines

    mutating func source() -> MemorySource {
        let isClean = chance(60)
        var rows: [MemorySource.Row] = []
        for _ in 0..<random.below(60) {
            let a = random.below(6), b = pick(["x", "y", "Zed", "7"])
            let line: String
            switch random.below(isClean ? 2 : 4) {
            case 0: line = #"{"a":\#(a),"b":"\#(b)","n":{"pod":"q\#(a)","f":true},"pod":"in","l":[1],"e":null}"#
            case 1: line = #"{"b":"\#(b)","c":"\#(a).5"}"#
            case 2: line = "a=\(a) b=\(b) level=info took=\(a)ms"
            default: line = "\(b) says \(a)"
            }
            var row = MemorySource.Row(
                stream: Labels([("pod", pick(["p1", "p2"])), ("app", pick(["web", "db", ""]))]), time: Int64(random.below(50)) * second, line: line)
            row.severity = pick([.unknown, .info, .error])
            if chance(20) { row.fields = Labels([("t", pick(["1", "2"])), ("app", pick(["", "other"]))]) }
            rows.append(row)
        }
        return MemorySource(rows: rows, batch: 1 + random.below(9))
    }

    // MARK: Queries

    private mutating func matcher(_ names: [String], _ values: [String]) -> Matcher {
        switch random.below(4) {
        case 0: try! Matcher(pick(names), .notEqual, pick(values))
        case 1: try! Matcher(pick(names), .matches, pick(values) + pick(["", ".*", "|y"]))
        case 2: try! Matcher(pick(names), .notMatches, pick(values))
        default: Matcher(pick(names), equals: pick(values))
        }
    }

    private static let names = ["a", "b", "c", "pod", "app", "t", "n_pod", "pod_extracted", "detected_level", "level", "__error__"]

    private mutating func filter(_ depth: Int = 0) -> LabelFilter {
        switch random.below(depth > 2 ? 2 : 4) {
        case 0:
            return .quantity(
                pick(["a", "c", "b", "took"]), pick([.equal, .notEqual, .greater, .greaterOrEqual, .less, .lessOrEqual]), .number(Double(random.below(6))))
        case 1: return .matcher(matcher(RandomQuery.names, ["", "x", "p1", "2", "info", "JSONParserErr"]))
        case 2: return .and(filter(depth + 1), filter(depth + 1))
        default: return .or(filter(depth + 1), filter(depth + 1))
        }
    }

    mutating func pipeline() -> LogPipeline {
        var pipeline = LogPipeline(matchers: chance(60) ? [matcher(["pod", "app"], ["p1", "web", ""])] : [])
        for _ in 0..<random.below(5) {
            switch random.below(9) {
            case 0:
                pipeline.stages.append(
                    .line(LineCondition(pick([.contains, .lacks, .containsIgnoringCase, .lacksIgnoringCase]), pick(["x", "zed", "Zed", "1", ""]))))
            case 1, 2, 3: pipeline.stages.append(.json([]))
            case 4: pipeline.stages.append(.logfmt(isStrict: false, keepsEmpty: false, []))
            case 5: pipeline.stages.append(.label(filter()))
            case 6: pipeline.stages.append(.lineFormat(pick(["{{.a}}-{{.pod}}", "{\"zz\":\"{{.b}}\",\"a\":3}", "a={{.a}} zz={{.zz}}"])))
            case 7: pipeline.stages.append(.labelFormat([LabelFormat(pick(["a", "new", "pod"]), .label(pick(["b", "pod", "t", "gone"])))]))
            default:
                let choices: [LabelChoice] = [.name(pick(RandomQuery.names)), .matching(matcher(["b", "pod"], ["x", "p1"]))]
                pipeline.stages.append(chance(60) ? .drop(choices) : .keep([.name("a"), .name("pod"), .name(pick(RandomQuery.names))]))
            }
        }
        // `drop a != "x"` is read as a choice with a condition, so no text makes this order of stages.
        func isAmbiguous(_ index: Int) -> Bool {
            switch (pipeline.stages[index], pipeline.stages[index + 1]) {
            case (.drop, .line), (.keep, .line): true
            default: false
            }
        }
        while let index = pipeline.stages.indices.dropLast().first(where: isAmbiguous) { pipeline.stages.swapAt(index, index + 1) }
        return pipeline
    }

    private mutating func grouping() -> LabelGrouping {
        LabelGrouping(isWithout: chance(40), chance(10) ? [] : [pick(["pod", "b", "app"]), pick(["a", "detected_level", "n_pod"])])
    }

    mutating func metric() -> LogMetric {
        var range: RangeAggregation
        if chance(50) {
            range = RangeAggregation(pick([.countOverTime, .rate, .bytesOverTime]), pipeline(), range: Int64(1 + random.below(20)) * second)
        } else {
            let operation = pick([
                RangeAggregation.Operation.sumOverTime, .averageOverTime, .minimumOverTime, .maximumOverTime, .firstOverTime, .lastOverTime, .varianceOverTime,
                .quantileOverTime, .rate,
            ])
            range = RangeAggregation(
                operation, pipeline(), range: Int64(1 + random.below(20)) * second,
                unwrap: Unwrap(pick(["a", "c", "a"]), filters: chance(70) ? [.matcher(Matcher("__error__", equals: ""))] : []))
            if operation == .quantileOverTime { range.parameter = pick([0, 0.25, 0.5, 0.99, 1]) }
            if operation.allowsGrouping, chance(60) { range.grouping = grouping() }
        }
        if chance(60) { range.pipeline.stages.append(.label(.matcher(Matcher("__error__", equals: "")))) }
        if chance(20) { range.offset = Int64(random.below(10)) * second }
        let metric = LogMetric.range(range)
        return chance(60) ? .aggregation(VectorAggregation(pick([.sum, .avg, .min, .max, .count]), metric, grouping: chance(70) ? grouping() : nil)) : metric
    }
}
