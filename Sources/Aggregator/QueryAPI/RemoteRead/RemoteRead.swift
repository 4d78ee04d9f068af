import ChunkCodec
import HTTP
import PromQL
import ProtoWire
import Runtime
import Snappy
import Telemetry

/// `POST /api/v1/read`: samples for another Prometheus, whole or as a stream of chunks.
extension PrometheusAPI {
    /// Bytes of a frame after which it is sent.
    private static let frameBytes = 1 << 20

    func registerRemoteRead(on router: inout HTTPRouter) {
        router.on("POST", "/api/v1/read") { request, _ in
            do throws(QueryError) {
                let body: [UInt8]
                do throws(SnappyError) {
                    body = try Snappy.decompress(request.body)
                } catch {
                    throw QueryError(.badData, "\(error)")
                }
                return try await answer(try RemoteReadRequest(body))
            } catch {
                return .text("\(error.message)\n", status: error.kind.status)
            }
        }
    }

    private func answer(_ request: RemoteReadRequest) async throws(QueryError) -> HTTPResponse {
        try await gate.enter()
        var results: [[SeriesSamples]] = []
        var warnings: [String] = []
        do throws(QueryError) {
            for query in request.queries {
                let (result, remarks) = try await samples(query)
                results.append(result)
                warnings += remarks
            }
        } catch {
            await gate.leave()
            throw error
        }
        await gate.leave()
        switch request.form {
        case .samples:
            var writer = WireWriter()
            for result in results { writer.message(1) { Self.write(result, to: &$0) } }
            return Self.warning(
                warnings,
                HTTPResponse(
                    fields: ["Content-Type": "application/x-protobuf", "Content-Encoding": "snappy"], body: .bytes(Snappy.compress(writer.bytes))))
        case .chunks:
            let all = results
            return Self.warning(
                warnings,
                HTTPResponse(
                    fields: ["Content-Type": "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse"],
                    body: .stream { writer in
                        for (index, result) in all.enumerated() { try await Self.stream(result, query: index, to: writer) }
                    }))
        }
    }

    /// The protocol has no place for remarks, HTTP has (RFC 7234, Warning).
    private static func warning(_ warnings: [String], _ response: HTTPResponse) -> HTTPResponse {
        var response = response
        if let first = warnings.first {
            let text = String(String.UnicodeScalarView(first.unicodeScalars.map { $0.isASCII && $0.value >= 0x20 ? $0 : "?" }))
            response.fields["Warning"] = "299 binnacle \"\(text.escapedForLabel)\""
        }
        return response
    }

    /// The samples of a query by labels, with the external labels that the series lack, and what is missing.
    private func samples(_ query: RemoteReadRequest.Query) async throws(QueryError) -> ([SeriesSamples], warnings: [String]) {
        // Matchers on external labels ask for this server as a whole, which has them on all its series.
        let matchers = query.matchers.filter { matcher in options.externalLabels[matcher.name].map { !matcher.accepts($0) } ?? true }
        var read = SampleRequest(matchers: matchers, from: Timestamp(milliseconds: query.start), through: Timestamp(milliseconds: query.end))
        read.maximumSamples = options.engine.maximumSamples
        let wanted = read
        let answer = try await reading { () async throws in try await source.read(wanted) }
        var result: [SeriesSamples] = []
        var count = 0
        for block in answer.blocks {
            for (labels, column) in zip(block.labels, block.columns) {
                var one = SeriesSamples(labels: labels, timestamps: [], values: [])
                for (name, value) in options.externalLabels where labels[name].isEmpty { one.labels[name] = value }
                for (time, value) in zip(block.timestamps, column) where time >= query.start && time <= query.end && !value.isAbsent {
                    one.timestamps.append(time)
                    one.values.append(value)
                }
                count += one.timestamps.count
                guard count <= options.engine.maximumSamples else {
                    throw QueryError(.badData, "exceeded sample limit (\(options.engine.maximumSamples))")
                }
                if !one.timestamps.isEmpty { result.append(one) }
            }
        }
        return (result.sorted { $0.labels < $1.labels }, answer.warnings)
    }

    private static func write(_ labels: Labels, to writer: inout WireWriter) {
        for label in labels.list {
            writer.message(1) {
                $0.string(1, label.name)
                $0.string(2, label.value)
            }
        }
    }

    private static func write(_ result: [SeriesSamples], to writer: inout WireWriter) {
        for series in result {
            writer.message(1) { message in
                write(series.labels, to: &message)
                for (time, value) in zip(series.timestamps, series.values) {
                    message.message(2) {
                        $0.double(1, value)
                        $0.int64(2, time)
                    }
                }
            }
        }
    }

    /// One series a frame, or several frames if it is long.
    private static func stream(_ result: [SeriesSamples], query: Int, to writer: any HTTPBodyWriter) async throws {
        for series in result {
            var start = 0
            while start < series.timestamps.count {
                var message = WireWriter()
                write(series.labels, to: &message)
                while start < series.timestamps.count, message.bytes.count < frameBytes {
                    let end = min(series.timestamps.count, start + XORChunk.maximumSamples)
                    var chunk = XORChunk()
                    for index in start..<end { chunk.append(series.timestamps[index], series.values[index]) }
                    message.message(2) {
                        $0.int64(1, chunk.first)
                        $0.int64(2, chunk.last)
                        $0.varint(3, 1)
                        $0.bytes(4, chunk.bytes)
                    }
                    start = end
                }
                var response = WireWriter()
                response.bytes(1, message.bytes)
                response.varint(2, UInt64(query))
                try await writer.write(frame(response.bytes))
            }
        }
    }

    /// Length, CRC-32C, message.
    private static func frame(_ message: [UInt8]) -> [UInt8] {
        var writer = WireWriter(reserving: message.count + 14)
        writer.varint(UInt64(message.count))
        let checksum = CRC32C.checksum(message)
        return writer.bytes + stride(from: 24, through: 0, by: -8).map { UInt8(truncatingIfNeeded: checksum >> UInt32($0)) } + message
    }
}
