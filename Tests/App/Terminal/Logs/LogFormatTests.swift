import JSON
import Testing

@testable import Terminal

@Suite struct LogFormatTests {
    private let line: JSON = [
        "time": "2026-11-24T08:48:41.123456789Z", "namespace": "shop", "pod": "api-1", "container": "app", "severity": "error",
        "line": "a,\"b\"\tc \u{1B}[2Jd", "fields": ["status": "500"], "match": true, "id": "1-2",
    ]

    private func text(_ format: String, escapes: Bool = false, isColoured: Bool = false, _ change: (inout LogLineWriter) -> Void = { _ in }) throws -> String {
        var writer = LogLineWriter(format: try #require(LogFormat(format)), palette: Palette(isOn: isColoured), escapes: escapes)
        change(&writer)
        return String(decoding: writer.head() + writer.text(line) + writer.foot(), as: UTF8.self)
    }

    @Test func `each format in its form`() throws {
        #expect(try text("default", escapes: true) == "2026-11-24T08:48:41.123Z shop/api-1[app] a,\"b\"\tc \\u{1B}[2Jd\n")
        #expect(try text("short") == "08:48:41.123Z a,\"b\"\tc \u{1B}[2Jd\n")
        #expect(try text("raw") == "a,\"b\"\tc \u{1B}[2Jd\n")
        #expect(try text("csv") { $0.columns = ["pod", "status", "line"] } == "pod,status,line\r\napi-1,500,\"a,\"\"b\"\"\tc \u{1B}[2Jd\"\r\n")
        #expect(try text("tsv") { $0.columns = ["pod", "line"] } == "pod\tline\napi-1\ta,\"b\"\\tc \u{1B}[2Jd\n")
        #expect(try text("logfmt") { $0.columns = ["pod", "nothing", "line"] } == "pod=api-1 line=\"a,\\\"b\\\"\\tc \\u001b[2Jd\"\n")
        #expect(try text("template={{.pod}} {{ .status }}\\t{{.nothing}}|") == "api-1 500\t|\n")
        #expect(try JSON.parse(text("json")).elements == [line])
        #expect(try JSON.parse(text("jsonl")) == line)
        #expect(LogFormat("yaml") == nil && LogFormat("template=") == nil)
    }

    @Test(arguments: ["default", "short", "raw", "csv", "tsv", "logfmt", "json", "jsonl", "template={{.line}} {{.pod}}"])
    func `on a terminal no format lets control characters through`(format: String) throws {
        let shown = try text(format, escapes: true)
        #expect(shown.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F || "\n\r\t".unicodeScalars.contains($0) }, "\(shown)")
    }

    @Test func `raw gives the bytes also where they are no UTF-8`() throws {
        var writer = LogLineWriter(format: .raw, palette: Palette(isOn: false), escapes: false)
        #expect(writer.text(["line": "a\u{FFFD}", "bytes": JSON(Base64.encode([0x61, 0xFF]))]) == [0x61, 0xFF, 0x0A])
    }

    @Test func `local times, gaps, what stands out`() throws {
        #expect(try text("default", escapes: true) { $0.zone = 3_600_000_000_000 }.hasPrefix("2026-11-24T09:48:41.123 "))
        var writer = LogLineWriter(format: .standard, palette: Palette(isOn: true), escapes: true)
        #expect(String(decoding: writer.text(["gap": true]), as: UTF8.self) == "\u{1B}[2m--\u{1B}[0m\n")
        writer.showsPrefix = false
        writer.needles = ["CARD"]
        writer.ignoresCase = true
        let shown = writer.text(["line": "the card was", "severity": "info", "match": true])
        #expect(String(decoding: shown, as: UTF8.self) == "the \u{1B}[1mcard\u{1B}[0m was\n")
    }

    @Test func `histograms show what is rare too`() {
        let rows = [
            HistogramText.Row(label: "08:00", total: 1000, errors: 1, warnings: 0), HistogramText.Row(label: "08:01", total: 0, errors: 0, warnings: 0),
            HistogramText.Row(label: "08:02", total: 500, errors: 250, warnings: 250),
        ]
        let lines = HistogramText(width: 31, palette: Palette(isOn: false), isASCII: true).render(rows)
        #expect(lines == ["08:00  1k #" + String(repeating: "-", count: 19), "08:01   0 ", "08:02 500 #####+++++"], "\(lines)")
    }
}
