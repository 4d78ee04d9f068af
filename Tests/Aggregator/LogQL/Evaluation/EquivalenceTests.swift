import Telemetry
import TestKit
import Testing

@testable import LogQL

/// Random queries over random lines: the engine says what the naive evaluator says.
@Suite struct EquivalenceTests {
    @Test(arguments: 0..<400 as Range<UInt64>) func `lines are those of the naive evaluator`(seed: UInt64) async throws {
        var random = RandomQuery(random: SeededGenerator(seed: seed))
        let source = random.source(), pipeline = random.pipeline()
        #expect(try LogExpression.parse(pipeline.description) == .lines(pipeline), "seed \(seed): \(pipeline)")
        let naive = try NaiveEvaluator(source: source).lines(pipeline)
        let real = try await LogEngine(source).lines(pipeline, LogLinesRequest(0..<(100 * second), direction: .forward, limit: 10_000)).entries
        #expect(real.map { $0.cursor.sequence } == naive.map { Int64($0.sequence) }, "seed \(seed): \(pipeline)")
        guard real.count == naive.count else { return }
        for (a, b) in zip(real, naive) {
            #expect(String(decoding: a.line, as: UTF8.self) == b.text, "seed \(seed): \(pipeline)")
            var labels = a.labels
            labels["__error_details__"] = ""
            #expect(labels == Labels(b.labels), "seed \(seed): \(pipeline)")
        }
    }

    @Test(arguments: 0..<800 as Range<UInt64>) func `numbers are those of the naive evaluator`(seed: UInt64) async throws {
        var random = RandomQuery(random: SeededGenerator(seed: seed &+ 1_000_000))
        let source = random.source(), metric = random.metric()
        #expect(try LogExpression.parse(metric.description) == .metric(metric), "seed \(seed): \(metric)")
        let steps = LogSteps(from: Int64(random.random.below(30)) * second, through: 55 * second, step: Int64(1 + random.random.below(12)) * second)
        let naive = try? NaiveEvaluator(source: source).series(metric, steps)
        let real: [LogSeries]?
        do throws(LogQLError) {
            if case .vector(let series) = try await LogEngine(source).metric(metric, steps).value { real = series } else { real = nil }
        } catch {
            #expect(error.kind == .pipeline, "seed \(seed): \(metric): \(error)")
            real = nil
        }
        guard let naive, let real else {
            #expect((naive == nil) == (real == nil), "seed \(seed): \(metric)")
            return
        }
        let wanted = naive.filter { $0.value.contains { $0 != nil } }
        #expect(Set(real.map(\.labels)) == Set(wanted.keys), "seed \(seed): \(metric)")
        for series in real {
            for (a, b) in zip(series.values, wanted[series.labels] ?? []) {
                let isSame = if let b { abs(a - b) <= 1e-9 * max(1, abs(b)) } else { a.isAbsent }
                #expect(isSame, "seed \(seed): \(metric) \(series.labels): \(a) \(String(describing: b))")
            }
        }
    }
}

@Suite struct ParserFuzzTests {
    @Test(arguments: 0..<3000 as Range<UInt64>) func `no text crashes a parser, and what parses prints back`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var text: [UInt8] = []
        let words = [
            "{", "}", "a", "=", "\"x\"", "|", "json", "|=", "(", ")", "[", "5m", "]", "rate", "sum", "by", ",", "or", "and", "unwrap", "5", "1KB", "!=", "=~",
            "`.*`", "-", "+", "ip",
            "logfmt", "drop", "keep", ">", "offset", "topk", "{a=\"b\"}", "[5m]", "count_over_time(", " ", "label_format", "--strict", "limit", "{{.x}}", "\n",
            "#", "pod:x", "OR",
        ]
        for _ in 0..<random.below(30) {
            if random.below(5) == 0 {
                text.append(UInt8(truncatingIfNeeded: random.next()))
            } else {
                text += Array((words[random.below(words.count)] + " ").utf8)
            }
        }
        let query = String(decoding: text, as: UTF8.self)
        if let tree = try? LogExpression.parse(query) { #expect(try LogExpression.parse(tree.description) == tree, "seed \(seed): \(query)") }
        if let tree = try? LogExpression.parseWords(query) { #expect(try LogExpression.parse(tree.description) == tree, "seed \(seed): \(query)") }
    }
}
