import Telemetry
import Testing

@testable import LogQL

@Suite struct LinesTests {
    static let source = MemorySource(
        rows: (0..<20).map { number in
            .init(stream: ["pod": number % 2 == 0 ? "a" : "b"], time: Int64(number / 4) * second, line: "line \(number) k=\(number % 3)")
        })

    func texts(_ query: String, direction: LogDirection = .forward, limit: Int = 1000) async throws -> [String] {
        try await LinesTests.source.run(query, direction: direction, limit: limit).map {
            String(decoding: $0.line, as: UTF8.self).split(separator: " ")[1...].first.map(String.init) ?? ""
        }
    }

    @Test func `lines come in order of time and arrival, or all of it reversed`() async throws {
        let all = (0..<20).map(String.init)
        #expect(try await texts("{}") == all)
        #expect(try await texts("{}", direction: .backward) == all.reversed())
        #expect(try await texts("{} |~ `line 1.`", direction: .backward, limit: 3) == ["19", "18", "17"])
    }

    @Test(arguments: [LogDirection.forward, .backward], [1, 3, 7]) func `pages join without a gap or a double`(direction: LogDirection, limit: Int) async throws
    {
        let engine = LogEngine(LinesTests.source)
        for query in ["{}", "{} | logfmt | k!=\"1\"", "{pod=\"a\"} |= \"1\""] {
            guard case .lines(let pipeline) = try LogExpression.parse(query) else { continue }
            let whole = try await engine.lines(pipeline, LogLinesRequest(0..<(100 * second), direction: direction, limit: 1000)).entries.map(\.cursor)
            var paged: [LogCursor] = []
            var request = LogLinesRequest(0..<(100 * second), direction: direction, limit: limit)
            repeat {
                let page = try await engine.lines(pipeline, request)
                #expect(page.entries.count <= limit)
                paged += page.entries.map(\.cursor)
                request.cursor = page.next
            } while request.cursor != nil && paged.count < 100
            #expect(paged == whole)
        }
    }

    @Test func `an interval thins lines out`() async throws {
        guard case .lines(let pipeline) = try LogExpression.parse("{}") else { return }
        var request = LogLinesRequest(0..<(100 * second), direction: .forward, limit: 100)
        request.interval = 2 * second
        #expect(try await LogEngine(LinesTests.source).lines(pipeline, request).entries.map { $0.time / second } == [0, 2, 4])
    }

    @Test func `stages over the whole answer`() async throws {
        #expect(try await texts("{} | logfmt | limit 2") == ["0", "1"])
        #expect(try await texts("{} | logfmt | dedup by (k)") == ["0", "1", "2"])
        #expect(try await texts("{} | logfmt | dedup by (pod) consecutive | limit 3") == ["0", "1", "2"])
        #expect(try await texts("{} | logfmt | sort by (k desc) | limit 2") == ["2", "5"])
        #expect(try await texts("{} |= \"line 4 \" | context 1, 2") == ["2", "4", "6", "8"])
        let sampled = try await texts("{} | sample 50%")
        #expect(!sampled.isEmpty && sampled.count < 20)
        #expect(try await texts("{} | sample 50%") == sampled)
    }

    @Test func `an answer is grouped by final labels, or by stream`() async throws {
        guard case .lines(let pipeline) = try LogExpression.parse("{} | logfmt | keep pod, k") else { return }
        let result = try await LogEngine(LinesTests.source).lines(pipeline, LogLinesRequest(0..<(100 * second), limit: 100))
        #expect(result.streams().count == 6)
        let categorised = result.streams(byStream: true)
        #expect(categorised.map(\.labels) == [["pod": "b"], ["pod": "a"]])
        #expect(categorised[0].entries[0].categories.parsed == ["k": "1"])
    }

    @Test func `since cuts the range`() async throws {
        var options = LogEngine.Options()
        options.start = { $0 == "deploy/web" ? 4 * second : nil }
        #expect(try await LinesTests.source.run("{} | since \"deploy/web\"", options: options).count == 4)
    }

    @Test func `an answer of too many bytes is refused`() async throws {
        var options = LogEngine.Options()
        options.maximumBytes = 30
        let error = await #expect(throws: LogQLError.self) { try await LinesTests.source.run("{}", options: options) }
        #expect(error?.kind == .limit && error?.kind.status == 422)
    }
}
