import HTTP
import ProtoWire
import QueryAPI
import Runtime
import Snappy
import Synchronization
import Telemetry
import TestKit
import Testing

/// Remote read in both its forms, read back by a decoder of its own.
@Suite struct RemoteReadTests {
    final class Sink: HTTPBodyWriter {
        let bytes = Mutex<[UInt8]>([])
        func write(_ part: [UInt8]) async throws { bytes.withLock { $0 += part } }
    }

    /// A request for `{name=value}` (`type` 0) and kin.
    static func request(_ matchers: [(type: UInt64, name: String, value: String)], start: Int64, end: Int64, accepted: [UInt64] = []) -> [UInt8] {
        var writer = WireWriter()
        writer.message(1) { query in
            query.int64(1, start)
            query.int64(2, end)
            for matcher in matchers {
                query.message(3) {
                    $0.varint(1, matcher.type)
                    $0.string(2, matcher.name)
                    $0.string(3, matcher.value)
                }
            }
        }
        writer.packed(2, accepted)
        return Snappy.compress(writer.bytes)
    }

    private func ask(_ body: [UInt8], source: FixedSource) async throws -> (HTTPResponse, [UInt8]) {
        var options = PrometheusAPI.Options()
        options.externalLabels = ["cluster": "c"]
        var router = HTTPRouter()
        PrometheusAPI(source: source, clock: ManualClock(startingAt: Timestamp(milliseconds: 0)), options: options).register(on: &router)
        let response = await router.respond(to: HTTPRequest(method: "POST", path: "/api/v1/read", body: body))
        switch response.body {
        case .bytes(let bytes): return (response, bytes)
        case .stream(let write):
            let sink = Sink()
            try await write(sink)
            return (response, sink.bytes.withLock { $0 })
        }
    }

    /// Steps, jumps back and forth, equal values, NaN, infinities, stale markers.
    private static let series: SeriesSamples = {
        var random = SeededGenerator(seed: 9)
        var series = SeriesSamples(labels: ["__name__": "m", "a": "é"], timestamps: [], values: [])
        var time: Int64 = 1_700_000_000_123
        for index in 0..<700 {
            series.timestamps.append(time)
            switch index % 9 {
            case 0: series.values.append(.nan)
            case 1: series.values.append(.infinity)
            case 2: series.values.append(.stale)
            case 3, 4: series.values.append(7)
            default: series.values.append(Double.random(in: -1e9..<1e9, using: &random))
            }
            time += [15_000, 15_001, 14_000, 80_000, 400_000, 900_000, 3_000_000_000][index % 50 == 0 ? 6 : index % 6]
        }
        return series
    }()

    @Test func `samples come whole`() async throws {
        let body = Self.request([(0, "__name__", "m"), (2, "a", ".+"), (0, "cluster", "c")], start: 0, end: .max / 2)
        let (response, bytes) = try await ask(body, source: FixedSource(all: [Self.series]))
        #expect(response.status == 200)
        #expect(response.fields["Content-Encoding"] == "snappy")
        let decoded = try Decoder.samples(try Snappy.decompress(bytes))
        #expect(decoded.count == 1)
        #expect(decoded.first?.labels == ["__name__": "m", "a": "é", "cluster": "c"])
        #expect(decoded.first?.timestamps == Self.series.timestamps)
        #expect(decoded.first?.values.map(\.bitPattern) == Self.series.values.map(\.bitPattern))
    }

    @Test func `chunks come as frames`() async throws {
        let body = Self.request([(0, "__name__", "m")], start: 0, end: .max / 2, accepted: [1, 0])
        let (response, bytes) = try await ask(body, source: FixedSource(all: [Self.series]))
        #expect(response.fields["Content-Type"] == "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse")
        let decoded = try Decoder.frames(bytes)
        #expect(decoded.count == 1)
        #expect(decoded.first?.timestamps == Self.series.timestamps)
        #expect(decoded.first?.values.map(\.bitPattern) == Self.series.values.map(\.bitPattern))
    }

    @Test(
        arguments: [
            ([1, 2, 3], "no snappy block"), (Snappy.compress([0xFF, 0xFF, 0xFF]), "no protobuf message"),
            (request([(2, "a", "(")], start: 0, end: 1), "regular expression"), (request([(9, "a", "b")], start: 0, end: 1), "unknown type 9"),
            (request([], start: 2, end: 1), "ends before it starts"),
        ] as [([UInt8], String)])
    func `refuses what it cannot read`(body: [UInt8], message: String) async throws {
        let (response, bytes) = try await ask(body, source: FixedSource(all: []))
        #expect(response.status == 400)
        #expect(String(decoding: bytes, as: UTF8.self).contains(message))
    }

    // MARK: A decoder

    enum Decoder {
        static func samples(_ bytes: [UInt8]) throws -> [SeriesSamples] {
            var all: [SeriesSamples] = []
            try each(bytes, 0..<bytes.count, 1) { result in
                try each(bytes, result, 1) { series in
                    var one = SeriesSamples(labels: try labels(bytes, series), timestamps: [], values: [])
                    try each(bytes, series, 2) { sample in
                        var reader = WireReader(sample)
                        var time: Int64 = 0
                        var value = 0.0
                        while try reader.next(bytes.span) {
                            if reader.number == 1 { value = try reader.double(bytes.span) } else { time = Int64(bitPattern: try reader.varint(bytes.span)) }
                        }
                        one.timestamps.append(time)
                        one.values.append(value)
                    }
                    all.append(one)
                }
            }
            return all
        }

        /// Joins the frames of one series.
        static func frames(_ bytes: [UInt8]) throws -> [SeriesSamples] {
            var all: [SeriesSamples] = []
            var reader = WireReader(bytes.span)
            while reader.offset < bytes.count {
                let length = Int(try reader.varint(bytes.span))
                let message = (reader.offset + 4)..<(reader.offset + 4 + length)
                try each(bytes, message, 1) { series in
                    let name = try labels(bytes, series)
                    if all.last?.labels != name { all.append(SeriesSamples(labels: name, timestamps: [], values: [])) }
                    try each(bytes, series, 2) { chunk in
                        try each(bytes, chunk, 4) { data in
                            var bits = Bits(bytes: Array(bytes[data]))
                            for (time, value) in bits.samples() {
                                all[all.count - 1].timestamps.append(time)
                                all[all.count - 1].values.append(value)
                            }
                        }
                    }
                }
                reader.offset = message.upperBound
            }
            return all
        }

        private static func labels(_ bytes: [UInt8], _ series: Range<Int>) throws -> Labels {
            var pairs: [(String, String)] = []
            try each(bytes, series, 1) { label in
                var reader = WireReader(label)
                var pair = ("", "")
                while try reader.next(bytes.span) {
                    if reader.number == 1 { pair.0 = try reader.string(bytes.span) } else { pair.1 = try reader.string(bytes.span) }
                }
                pairs.append(pair)
            }
            return Labels(pairs)
        }

        private static func each(_ bytes: [UInt8], _ range: Range<Int>, _ field: Int, _ body: (Range<Int>) throws -> Void) throws {
            var reader = WireReader(range)
            while try reader.next(bytes.span) {
                if reader.number == field, reader.kind == .bytes { try body(try reader.range(bytes.span)) } else { try reader.skip(bytes.span) }
            }
        }
    }

    /// The bits of an XOR chunk.
    struct Bits {
        var bytes: [UInt8]
        var place = 16

        mutating func take(_ count: Int) -> UInt64 {
            var value: UInt64 = 0
            for _ in 0..<count {
                value = value << 1 | UInt64(bytes[place / 8] >> UInt8(7 - place % 8) & 1)
                place += 1
            }
            return value
        }

        mutating func varint() -> UInt64 {
            var value: UInt64 = 0
            var shift: UInt64 = 0
            while true {
                let byte = take(8)
                value |= (byte & 0x7F) << shift
                if byte < 0x80 { return value }
                shift += 7
            }
        }

        mutating func change() -> Int64 {
            var width = 0
            for candidate in [0, 14, 17, 20, 64] {
                width = candidate
                if candidate == 64 || take(1) == 0 { break }
            }
            guard width > 0 else { return 0 }
            let raw = take(width)
            if width == 64 { return Int64(bitPattern: raw) }
            return raw > 1 << UInt64(width - 1) ? Int64(raw) - (1 << Int64(width)) : Int64(raw)
        }

        mutating func samples() -> [(Int64, Double)] {
            var result: [(Int64, Double)] = []
            var time: Int64 = 0, delta: Int64 = 0
            var value: UInt64 = 0
            var leading = 0, significant = 0
            for index in 0..<(Int(bytes[0]) << 8 | Int(bytes[1])) {
                if index == 0 {
                    let raw = varint()
                    time = Int64(bitPattern: raw >> 1) ^ -Int64(raw & 1)
                    value = take(64)
                } else {
                    delta = index == 1 ? Int64(bitPattern: varint()) : delta + change()
                    time += delta
                    if take(1) == 1 {
                        if take(1) == 1 {
                            leading = Int(take(5))
                            significant = Int(take(6))
                            if significant == 0 { significant = 64 }
                        }
                        value ^= take(significant) << UInt64(64 - leading - significant)
                    }
                }
                result.append((time, Double(bitPattern: value)))
            }
            return result
        }
    }
}
