import TestKit
import PromQL
import Telemetry
import Testing

/// Random texts: those of the grammar must read, print and read again as the same; broken ones must be refused in words.
@Suite struct ParserFuzzTests {

    struct Grammar {
        var random: SeededGenerator

        mutating func pick(_ choices: [String]) -> String { choices.randomElement(using: &random) ?? "" }
        mutating func chance(_ oneIn: Int) -> Bool { Int.random(in: 0..<oneIn, using: &random) == 0 }

        mutating func labels() -> String {
            let names = ["a", "job", "le", "\"l.x\"", "by", "on"]
            return "(" + (0..<Int.random(in: 0...3, using: &random)).map { _ in pick(names) }.joined(separator: ", ") + (chance(9) ? "" : "") + ")"
        }

        mutating func duration() -> String {
            pick(["5m", "1h30m", "90", "1d", "500ms", "5m*2", "step()", "-1m + 3m", "min_of(step(), 1m)", "2m % 90s", "(range() / 2)"])
        }
        mutating func offset() -> String { pick(["5m", "-1h", "90", "(1h / 2)", "step()", "-step()", "(step() * 2)"]) }

        mutating func selector() -> String {
            var text = pick(["up", "http_requests_total", "a:b:c", "sum", "start", "fill", "{\"my.metric\"}", "{job=\"x\"}", "anchored"])
            if chance(2), !text.hasPrefix("{") { text += pick(["{}", "{a=\"b\"}", "{a!=\"\", b=~\"x.*\",}", "{\"l.x\"!~`a|b`}"]) }
            return text
        }

        mutating func shift() -> String {
            var text = ""
            if chance(4) { text += " offset " + offset() }
            if chance(6) { text += pick([" @ 1234.5", " @ start()", " @ end()", " @ -3"]) }
            return text
        }

        mutating func matrix(_ depth: Int) -> String {
            if chance(3) { return "(\(vector(depth - 1)))[\(duration()):\(chance(2) ? duration() : "")]" + shift() }
            return selector() + "[\(duration())]" + shift()
        }

        mutating func scalar(_ depth: Int) -> String {
            guard depth > 0 else { return pick(["1", "-2.5", "0x1F", "1e-3", "NaN", "Inf", "1h", "time()", "pi()", "1_000"]) }
            switch Int.random(in: 0..<4, using: &random) {
            case 0: return "scalar(\(vector(depth - 1)))"
            case 1: return "(\(scalar(depth - 1)) \(pick(["+", "-", "*", "/", "%", "^", "atan2"])) \(scalar(depth - 1)))"
            case 2: return "-\(scalar(depth - 1))"
            default: return "(\(scalar(depth - 1)) \(pick(["==", "<", ">="])) bool \(scalar(depth - 1)))"
            }
        }

        mutating func matching() -> String {
            guard chance(2) else { return "" }
            var text = " \(pick(["on", "ignoring", "ON"])) \(labels())"
            if chance(3) { text += pick([" group_left", " group_right", " group_left (zz)"]) }
            if chance(4) { text += pick([" fill (0)", " fill_left (-1)", " fill_right (NaN) fill_left (2)"]) }
            return text
        }

        mutating func vector(_ depth: Int) -> String {
            guard depth > 0 else { return selector() + (chance(9) ? " smoothed" : "") + shift() }
            switch Int.random(in: 0..<12, using: &random) {
            case 0: return "\(pick(["sum", "avg", "count", "stddev", "GROUP"])) \(pick(["by", "without"])) \(labels()) (\(vector(depth - 1)))"
            case 1: return "\(pick(["topk", "quantile", "limit_ratio"]))(\(scalar(depth - 1)), \(vector(depth - 1))) by (a)"
            case 2: return "count_values(\"v\", \(vector(depth - 1)))"
            case 3: return "\(pick(["rate", "max_over_time", "deriv", "absent_over_time"]))(\(matrix(depth)))"
            case 4: return "rate(\(selector())[\(duration())] \(pick(["anchored", "smoothed"])))"
            case 5: return "label_replace(\(vector(depth - 1)), 'd', \"$1\\n\", `s`, \"(.*)\")"
            case 6: return "\(vector(depth - 1)) \(pick(["+", "*", "^", "==", ">", "</", "atan2"]))\(matching()) \(vector(depth - 1))"
            case 7: return "\(vector(depth - 1)) \(pick(["and", "or", "unless"])) on \(labels()) \(vector(depth - 1))"
            case 8: return "\(vector(depth - 1)) \(pick(["> bool", "!=", "-"])) \(scalar(depth - 1))"
            case 9: return "-\(vector(depth - 1))"
            case 10: return "(\(vector(depth - 1))) # remark\n"
            default: return "\(pick(["abs", "sort", "timestamp", "round", "hour"]))(\(vector(depth - 1)))"
            }
        }
    }

    /// The label lists may name a label in both `on` and the grouping, which is refused; everything else must read.
    @Test(arguments: UInt64(1)...4)
    func `what is printed reads as the same`(seed: UInt64) throws {
        var grammar = Grammar(random: SeededGenerator(seed: seed))
        for _ in 0..<400 {
            let query = grammar.vector(4)
            let expression: Expression
            do throws(QueryError) {
                expression = try Parser.parse(query)
            } catch {
                #expect(error.message.contains("parse error"), "seed \(seed): \(query): \(error.message)")
                #expect(!error.message.contains("unexpected"), "seed \(seed): \(query): \(error.message)")
                continue
            }
            let printed = expression.description
            let again = try Parser.parse(printed)
            // Compared as text, since NaN is not equal to itself.
            #expect(again.description == printed, "seed \(seed): \(query)")
            #expect(try Parser.parse(expression.pretty).description == printed, "seed \(seed): \(query)")
        }
    }

    @Test(arguments: UInt64(1)...4)
    func `broken text is refused and never crashes`(seed: UInt64) {
        var grammar = Grammar(random: SeededGenerator(seed: seed))
        let bytes = Array(" (){}[]\"'`\\,.:@#=!~<>+-*/%^_aeinorstx019\u{e9}\n".utf8)
        for _ in 0..<600 {
            var text = Array(grammar.vector(3).utf8)
            for _ in 0..<Int.random(in: 1...4, using: &grammar.random) {
                let place = Int.random(in: 0...text.count, using: &grammar.random)
                switch Int.random(in: 0..<3, using: &grammar.random) {
                case 0: text.insert(bytes.randomElement(using: &grammar.random) ?? 0, at: place)
                case 1 where place < text.count: text.remove(at: place)
                default: text.removeSubrange(min(place, text.count)..<min(text.count, place + Int.random(in: 0...5, using: &grammar.random)))
                }
            }
            let query = String(decoding: text, as: UTF8.self)
            do throws(QueryError) {
                let expression = try Parser.parse(query)
                #expect(throws: Never.self) { try Parser.parse(expression.description) }
            } catch {
                #expect(error.kind == .badData, "seed \(seed): \(query)")
                #expect(error.position.map { $0.lowerBound <= query.utf8.count } ?? false, "seed \(seed): \(query): \(error.message)")
            }
        }
    }
}
