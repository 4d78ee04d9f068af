import Gzip
import HTTP
import JSON
import Telemetry
import TestKit
import Testing
import Zstd

@testable import Ingest

@Suite struct JSONLinesTests {
    private static let path = "/insert/jsonline"

    @Test func `fields become the time, the message, the stream and what stands beside the line`() async {
        let fixture = LogFixture()
        let response = await fixture.post(
            Self.path,
            """
            {"ts":"2023-11-14T22:13:19.5Z","app":"web","host":{"name":"n1"},"log":"hello \\"you\\"","level":"warn","n":5,"tags":["a",1],"none":null,"empty":""}
            {"ts":1699999998123,"app":"web","host":{"name":"n1"},"log":"next","level":"error","b":true,"a":"\\u00e9"}

            """,
            query: [("_time_field", "ts"), ("_msg_field", "message,log"), ("_stream_fields", "app,host.name")])
        #expect(response.status == 200, "\(response.text)")
        #expect(
            fixture.recorder.lines == [
                #"{app="web", host_name="n1"} 1699999998123000000 error next {a="é", b="true", level="error"}"#,
                #"{app="web", host_name="n1"} 1699999999500000000 warning hello "you" {level="warn", n="5", tags="[\"a\",1]"}"#,
            ])
        #expect(fixture.recorder.batches.count == 1)
    }

    @Test func `a line without a message field is kept byte for byte`() async {
        let fixture = LogFixture()
        let line = #"{ "time" : "2023-11-14T22:13:19+01:00", "level":"info", "x" : {"y": [1, 2]} }"#
        #expect(await fixture.post(Self.path, line).status == 200)
        #expect(fixture.recorder.lines == [#"{job="jsonline"} 1699996399000000000 info \#(line) {}"#])
    }

    @Test func `what is to be ignored is stored nowhere, and colours go if asked`() async {
        let fixture = LogFixture()
        let query = [(name: "ignore_fields", value: "secret*,b"), (name: "decolorize_fields", value: "_msg"), (name: "extra_fields", value: "dc=eu,x=y")]
        #expect(await fixture.post(Self.path, #"{"_time":"0","secret_key":"s","a":1,"b":"no"}"#, query: query).status == 200)
        #expect(await fixture.post(Self.path, #"{"_time":"0","_msg":"\u001b[31mred\u001b[0m","secret":"s"}"#, query: query).status == 200)
        #expect(
            fixture.recorder.lines == [
                #"{job="jsonline"} \#(LogFixture.now) unknown red {dc="eu", x="y"}"#,
                #"{job="jsonline"} \#(LogFixture.now) unknown {"_time":"0","a":1} {dc="eu", x="y"}"#,
            ])
    }

    @Test func `header fields say the same, and parameters win`() async {
        let fixture = LogFixture()
        let body = Array(#"{"t":"1699999999","m":"x","s":"a","n":"b"}"#.utf8)
        let fields = [("VL-Time-Field", "t"), ("VL-Msg-Field", "m"), ("VL-Stream-Fields", "n")]
        #expect(await fixture.post(Self.path, body, query: [("_stream_fields", "s")], fields: fields).status == 200)
        #expect(fixture.recorder.lines == [#"{s="a"} 1699999999000000000 unknown x {n="b"}"#])
    }

    @Test(arguments: [
        ("1699999999", 1_699_999_999_000_000_000), ("1699999999.25", 1_699_999_999_250_000_000), ("1699999999123", 1_699_999_999_123_000_000),
        ("1699999999123456", 1_699_999_999_123_456_000), ("1699999999123456789", 1_699_999_999_123_456_789), ("\"0\"", LogFixture.now),
        ("\"2023-11-14 22:13:19,123\"", 1_699_999_999_123_000_000), ("\"2023-11-14T22:13:19\"", 1_699_999_999_000_000_000),
        ("\"2023-11-14T23:13:19.000+0100\"", 1_699_999_999_000_000_000), ("\"yesterday\"", LogFixture.now), ("\"9999-01-01T00:00:00Z\"", LogFixture.now),
        ("99999999999999999999999", LogFixture.now), ("-5", -5_000_000_000), ("1e400", LogFixture.now), ("[1]", LogFixture.now),
    ])
    func `times are read by their form and size`(text: String, expected: Int64) async {
        let fixture = LogFixture()
        #expect(await fixture.post(Self.path, #"{"_time":\#(text),"_msg":"x"}"#).status == 200)
        #expect(fixture.recorder.records.map(\.time) == [expected])
    }

    @Test func `bad lines are left out, counted and named; the others are stored`() async {
        let fixture = LogFixture()
        let response = await fixture.post(Self.path, "{\"_msg\":\"a\"}\nnonsense\n{\"_msg\":\"b\"\n{\"_msg\":\"c\"}\n{\"_msg\":\"d\",}\n\r\n{\"_msg\":\"e\"}")
        #expect(response.status == 200)
        #expect(response.text.hasPrefix("3 of 6 lines refused: byte 13: expected an object"), "\(response.text)")
        #expect(fixture.recorder.records.map { String(decoding: $0.body, as: UTF8.self) } == ["a", "c", "e"])
        #expect(await fixture.post(Self.path, "nothing\n").status == 400)
    }

    @Test func `a list and documents without line ends come in too`() async {
        let fixture = LogFixture()
        #expect(await fixture.post(Self.path, #"[{"date":1699999999.5,"_msg":"a"}, {"date":1699999999.5,"_msg":"b"}]"#).status == 200)
        #expect(await fixture.post(Self.path, #"{"_msg":"c"}{"_msg":"d"} {"_msg":"e"}"#).status == 200)
        #expect(fixture.recorder.records.map { String(decoding: $0.body, as: UTF8.self) } == ["a", "b", "c", "d", "e"])
    }

    @Test func `gzip and zstd bodies are unpacked, bombs are not`() async {
        var limits = LogIngestLimits()
        limits.unpackedBytes = 1 << 20
        let fixture = LogFixture(limits: limits)
        let line = Array("{\"_msg\":\"x\"}\n".utf8)
        #expect(await fixture.post(Self.path, GzipCompressor().compress(line), encoding: "gzip").status == 200)
        #expect(await fixture.post(Self.path, ZstdCompressor(level: 1).compress(line), encoding: "zstd").status == 200)
        let bomb = [UInt8](repeating: 0x20, count: 2 << 20)
        #expect(await fixture.post(Self.path, GzipCompressor().compress(bomb), encoding: "gzip").status == 413)
        #expect(await fixture.post(Self.path, ZstdCompressor(level: 1).compress(bomb), encoding: "zstd").status == 413)
        #expect(fixture.recorder.records.count == 2)
    }

    @Test func `deep nesting and endless brackets are refused at once`() async {
        let fixture = LogFixture()
        let body = #"{"a":"# + String(repeating: "[", count: 100_000) + "\n" + String(repeating: #"{"a":"#, count: 100_000) + "\n{\"_msg\":\"ok\"}\n"
        #expect(await fixture.post(Self.path, body).status == 200)
        #expect(fixture.recorder.records.count == 1)
    }

    /// The fast reader against the JSON document's own parser, over documents of random shape.
    @Test func `the reader agrees with the document parser`() async throws {
        var generator = SeededGenerator(seed: 7)
        var mapping = RecordMapping()
        mapping.messageFields = ["_msg"]
        mapping.job = "x"
        for _ in 0..<300 {
            var lines = LogLines(mapping: mapping, limits: .init())
            var documents: [JSON] = []
            var shape = RandomDocument.shape(using: &generator)
            for _ in 0..<10 {
                if Int.random(in: 0..<4, using: &generator) == 0 { shape = RandomDocument.shape(using: &generator) }
                documents.append(RandomDocument.document(shape, using: &generator))
            }
            lines.read(documents.flatMap { $0.bytes() + [0x0A] }, now: 1)
            try #require(lines.refused == 0, "\(lines.reasons)")
            let records = lines.gatherer.batches.flatMap(\.records)
            try #require(records.count == documents.count)
            for (record, document) in zip(records, documents) {
                let value = document["_msg"]
                let message = value.string ?? (value.isNull || value.object != nil ? "" : value.description)
                guard !message.isEmpty else {
                    try #require(record.body == document.bytes())
                    continue
                }
                try #require(String(decoding: record.body, as: UTF8.self) == message)
                var expected: [String: String] = [:]
                RandomDocument.flatten(document, "", into: &expected)
                expected["_msg"] = nil
                try #require(record.fields == Labels(expected), "\(document)")
            }
        }
    }

    @Test func `random bytes never end the process, and nothing is read beyond them`() {
        var generator = SeededGenerator(seed: 99)
        let alphabet = Array(#"{}[]",:\u0aeE+-.1 tfn"#.utf8) + [0x0A, 0xC3, 0xFF, 0x00]
        for _ in 0..<20_000 {
            let body = (0..<Int.random(in: 0...60, using: &generator)).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &generator)] }
            var lines = LogLines(mapping: JSONLineParameters.lines, limits: .init())
            lines.read(body, now: 1)
            // What the strict parser takes as one object is taken here too.
            if (try? JSON.parse(body))?.object != nil { #expect(lines.refused == 0, "\(String(decoding: body, as: UTF8.self))") }
        }
    }
}

/// Documents of random shape, each with its fields in one order.
enum RandomDocument {
    indirect enum Shape {
        case text, number, flag, list
        case object([(String, Shape)])
    }

    static func shape(using generator: inout SeededGenerator) -> Shape { object(depth: 0, using: &generator) }

    private static func object(depth: Int, using generator: inout SeededGenerator) -> Shape {
        let names = ["_msg", "a", "b", "a.b", "é", "level", "long_field_name_of_a_document", "x\"y", "c", "d"].shuffled(using: &generator)
        return .object(
            names.prefix(Int.random(in: 0...6, using: &generator)).map { name in
                switch Int.random(in: 0..<(depth < 3 ? 5 : 4), using: &generator) {
                case 0: (name, .text)
                case 1: (name, .number)
                case 2: (name, .flag)
                case 3: (name, .list)
                default: (name, object(depth: depth + 1, using: &generator))
                }
            })
    }

    static func document(_ shape: Shape, using generator: inout SeededGenerator) -> JSON {
        switch shape {
        case .text:
            let pieces = ["", "x", "\n", "\"", "\\", "é", "😀", "plain text of some length", "\u{1}", "/"]
            return .string((0..<Int.random(in: 0...4, using: &generator)).map { _ in pieces.randomElement(using: &generator) ?? "" }.joined())
        case .number: return Bool.random(using: &generator) ? .integer(Int64.random(in: -1000...1000, using: &generator)) : .number(2.5)
        case .flag: return Bool.random(using: &generator) ? .bool(true) : .null
        case .list: return [1, "two", ["three": nil]]
        case .object(let members): return .object(members.map { ($0.0, document($0.1, using: &generator)) })
        }
    }

    /// In the order of the document: of two paths with one name the last wins, as in the reader.
    static func flatten(_ value: JSON, _ path: String, into fields: inout [String: String]) {
        switch value {
        case .object(let members): for (name, member) in members { flatten(member, path.isEmpty ? name : "\(path).\(name)", into: &fields) }
        case .null: fields[path] = ""
        case .string(let text): fields[path] = text
        default: fields[path] = value.description
        }
    }
}
