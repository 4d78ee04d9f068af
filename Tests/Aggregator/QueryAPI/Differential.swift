import TestKit
import Telemetry

/// The data and the questions that are put to us and to a real Prometheus.
///
/// What Debian's 2.42 is known to answer otherwise than 3.x is kept out by construction, each for its reason:
/// - Ranges and look-back are open on the left since 3.0. So no sample lies on an edge: samples have 7 ms more than full
///   seconds, questions are asked at full seconds, and none at a multiple of a subquery's step; nor are
///   subqueries nested, whose inner moments are such multiples.
/// - Since 2.53 a counter's stretch ends at zero after, not before, the test for a series that began in the window. So
///   counters stay far from zero, also after a reset.
/// - Equal values of topk and elements of limitk are chosen in the order of storage. So values do not repeat.
///   For the same reason rate and increase are not asked of gauges, which fall all the time, nor of subqueries.
/// - The last digits of pow and exp differ between Go and C, so count_values, which shows all digits, and %, which makes
///   small differences large, are asked of plain values.
/// - stddev and stdvar of a single NaN or infinity are NaN in 3.x and were 0, so they are asked of finite values only.
/// - Dates of NaN and infinities are what the processor makes of them; ours are NaN. So dates are asked of times only.
/// - timestamp of a selector fixed by @ forgot its offset in 2.42, and functions with such a range and an argument of the
///   step's own lost steps. So these have no @ here.
/// - atan2 of two vectors kept the name in 2.42.
/// - Windows that slide are added up in another order than one that stands still (`@`), so the last digit of what is no exact sum may
///   differ between them, where 2.42 reads each window anew. So two such results are not compared with each other, nor subtracted.
/// - Functions, modifiers and operators that 2.42 lacks are not asked.
struct Differential {

    /// 2023-11-14T22:00:00Z, in milliseconds.
    static let start: Int64 = 1_699_999_200_000
    static let length: Int64 = 3_600_000

    static func data() -> [SeriesSamples] {
        var random = SeededGenerator(seed: 7)
        var all: [SeriesSamples] = []
        for job in ["x", "y"] {
            for instance in ["1", "2", "3"] {
                all.append(
                    series(Labels(name: "a_total", ["job": job, "instance": instance]), &random) { value, random in
                        Int.random(in: 0..<40, using: &random) == 0
                            ? 5000 + Double.random(in: 0..<10, using: &random) : value + Double.random(in: 0..<9, using: &random)
                    })
                all.append(
                    series(Labels(name: "b", ["job": job, "instance": instance, "zone": instance == "1" ? "" : "z"]), &random) { value, random in
                        Int.random(in: 0..<60, using: &random) == 0 ? .nan : (value.isNaN ? 10_000 : value) + Double.random(in: -30..<30, using: &random)
                    })
            }
            var buckets: [Double] = [0, 0, 0, 0]
            var rows: [[Double]] = []
            for _ in 0..<300 {
                var total = 0.0
                for index in buckets.indices {
                    total += Double(Int.random(in: 0..<7, using: &random))
                    buckets[index] += total
                }
                rows.append(buckets)
            }
            let times = (0..<240).map { start + Int64($0) * 15_000 + 7 }
            for (index, bound) in ["0.1", "0.5", "2.5", "+Inf"].enumerated() {
                all.append(
                    SeriesSamples(
                        labels: Labels(name: "h_bucket", ["job": job, "le": bound]), timestamps: times, values: times.indices.map { rows[$0][index] + 1000 }))
            }
        }
        all.append(series(Labels(name: "info", ["job": "x", "version": "v1"]), &random) { _, _ in 1 })
        all.append(series(Labels(name: "info", ["job": "y", "version": "v2"]), &random) { _, _ in 1 })
        return all
    }

    private static func series(_ labels: Labels, _ random: inout SeededGenerator, _ next: (Double, inout SeededGenerator) -> Double) -> SeriesSamples {
        var result = SeriesSamples(labels: labels, timestamps: [], values: [])
        var time = start + 7
        var value = 10_000.0
        while time < start + length {
            value = next(value, &random)
            result.timestamps.append(time)
            result.values.append(value)
            time += Int.random(in: 0..<50, using: &random) == 0 ? 420_000 : Int64.random(in: 12...17, using: &random) * 1000
        }
        return result
    }

    /// As OpenMetrics text, for `promtool tsdb create-blocks-from openmetrics`.
    static func openMetrics() -> [UInt8] {
        var text: [UInt8] = []
        for one in data() {
            let pairs = one.labels.list.filter { $0.name != Labels.metricName }.map { "\($0.name)=\"\($0.value)\"" }.joined(separator: ",")
            for (time, value) in zip(one.timestamps, one.values) {
                let fraction = String(String(time % 1000 + 1000).dropFirst())
                text += "\(one.labels.name){\(pairs)} \(value.isNaN ? "NaN" : "\(value)") \(time / 1000).\(fraction)\n".utf8
            }
        }
        return text + Array("# EOF\n".utf8)
    }

    var random: SeededGenerator

    mutating func pick(_ choices: [String]) -> String { choices.randomElement(using: &random) ?? "" }
    private mutating func chance(_ oneIn: Int) -> Bool { Int.random(in: 0..<oneIn, using: &random) == 0 }

    private mutating func selector() -> String {
        pick(["a_total", "b", "b{job=\"x\"}", "a_total{instance=~\"1|2\"}", "b{zone!=\"\"}", "{__name__=~\"a_.*\",job!=\"y\"}", "h_bucket", "info", "nothing"])
    }
    private mutating func shift() -> String {
        chance(4) ? pick([" offset 2m", " offset -90s", " @ 1700000503", " @ start()", " @ end() offset 1m"]) : ""
    }

    mutating func scalar(_ depth: Int) -> String {
        guard depth > 0 else { return pick(["2", "0.5", "-3", "1e3", "time()", "pi()", "NaN"]) }
        return chance(2) ? "scalar(\(vector(depth - 1)))" : "(\(scalar(depth - 1)) \(pick(["+", "*", "/", "%", "^", "> bool"])) \(scalar(0)))"
    }

    /// What a subquery evaluates: nothing with a subquery in it, whose windows would end at multiples of its step.
    private mutating func plain() -> String {
        pick([
            "b", "a_total * 2", "rate(a_total[5m])", "max_over_time(b[2m])", "sum by (job) (a_total)", "h_bucket", "b > 9900", "a_total offset 2m",
            "abs(b @ 1700000503)",
        ])
    }

    private mutating func window() -> String {
        let range = pick(["45s", "2m", "5m", "11m"])
        return chance(4) ? "(\(plain()))[\(pick(["4m", "9m"])):\(pick(["20s", "1m"]))]" + shift() : "\(selector())[\(range)]" + shift()
    }

    mutating func vector(_ depth: Int) -> String {
        guard depth > 0 else { return selector() + shift() }
        switch Int.random(in: 0..<17, using: &random) {
        case 0, 1:
            let counters = ["a_total", "a_total{instance=~\"1|2\"}", "h_bucket", "info", "nothing"]
            return chance(2)
                ? "\(pick(["rate", "increase"]))(\(pick(counters))[\(pick(["45s", "2m", "5m", "11m"]))]\(shift()))"
                : "\(pick(["irate", "delta", "idelta", "changes", "resets", "deriv"]))(\(window()))"
        case 2, 3:
            let names = ["avg", "min", "max", "sum", "count", "stddev", "stdvar", "last", "present", "absent"].map { "\($0)_over_time" }
            return "\(pick(names))(\(window()))"
        case 4:
            return pick([
                "quantile_over_time(\(pick(["0.5", "0.9", "-3", "NaN"])), \(window()))", "(-(\(vector(depth - 1)))) atan2 2",
                "predict_linear(\(selector())[5m] offset 1m, 120)", "holt_winters(\(window()), 0.5, 0.3)",
            ])
        case 5:
            return
                "\(pick(["sum", "avg", "min", "max", "count", "group"])) \(pick(["by (job)", "without (instance)", "by ()", "by (job, le)"])) (\(vector(depth - 1)))"
        case 6: return "\(pick(["topk", "bottomk"]))(\(pick(["1", "2", "5"])), rate(\(pick(["a_total", "a_total{job=\"x\"}"]))[5m])) by (job)"
        case 7: return "quantile by (job) (\(pick(["0.3", "0.9", "-1"])), \(vector(depth - 1)))"
        case 8: return "count_values(\"v\", round(\(plain()) / 1000))"
        case 9: return "histogram_quantile(\(pick(["0.5", "0.9", "0.99", "1"])), \(pick(["h_bucket", "rate(h_bucket[5m])", "sum by (le) (h_bucket)"])))"
        case 10:
            let left = vector(depth - 1), right = vector(depth - 1)
            let operation = pick(
                Self.addsUp(left) && Self.addsUp(right) ? ["+", "*", "/"] : ["+", "-", "*", "/", "^", ">", "<=", "==", "!= bool"])
            return "(\(left)) \(operation) \(pick(["on (job, instance)", "", "ignoring (zone)", "on (job) group_left ()"])) (\(right))"
        case 11: return "(\(vector(depth - 1))) \(pick(["and", "or", "unless"])) \(pick(["on (job)", "", "ignoring (instance)"])) (\(vector(depth - 1)))"
        case 12:
            return pick([
                "(\(vector(depth - 1))) \(pick([">", "< bool", "*", "-"])) \(scalar(depth - 1))", "(\(plain())) % \(scalar(0))",
                "\(scalar(0)) \(pick([">", "/", "^"])) (\(vector(depth - 1)))",
            ])
        case 13:
            return chance(8)
                ? "timestamp(-(\(vector(depth - 1))))"
                : "\(pick(["abs", "ceil", "floor", "ln", "sqrt", "sgn", "-", "exp", "absent"]))(\(vector(depth - 1)))"
        case 14:
            return pick([
                "clamp(\(vector(depth - 1)), 3, 9000)", "round(\(vector(depth - 1)), 0.5)", "vector(\(scalar(depth - 1)))",
                "label_replace(\(vector(depth - 1)), \"d\", \"$1-x\", \"job\", \"(.)\")",
                "label_join(\(vector(depth - 1)), \"d\", \"/\", \"job\", \"instance\")",
            ])
        case 15:
            return pick([
                "stddev by (job) (a_total)", "stdvar without (instance) (rate(a_total[5m]))", "hour(timestamp(b))", "day_of_week(vector(time()))",
                "minute(timestamp(-(\(vector(depth - 1)))))",
            ])
        default: return "rate(a_total[5m]) * on (job) group_left (version) info"
        }
    }

    /// Whether the text has a function whose last digit depends on the order in which samples are added up.
    private static func addsUp(_ text: String) -> Bool {
        ["stddev_over_time", "stdvar_over_time", "avg_over_time", "sum_over_time", "deriv", "predict_linear"].contains { text.contains($0) }
    }
}
