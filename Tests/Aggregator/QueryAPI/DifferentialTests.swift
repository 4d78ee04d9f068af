import Glibc
import HTTP
import JSON
import PromQL
import QueryAPI
import Runtime
import Telemetry
import TestKit
import Testing

/// The same questions to us and to a real Prometheus; `scripts/differential-promql` sets it up and runs this.
@Suite struct DifferentialTests {
    private static func environment(_ name: String) -> String? { unsafe getenv(name).map { unsafe String(cString: $0) } }
    private static let port = environment("BINNACLE_DIFFERENTIAL_PORT").flatMap { UInt16($0) }
    private static let file = environment("BINNACLE_DIFFERENTIAL_WRITE")

    @Test(.enabled(if: file != nil)) func `writes the data`() throws {
        let path = try #require(Self.file)
        let file = unsafe try #require(fopen(path, "w"))
        let text = Differential.openMetrics()
        unsafe fwrite(text, 1, text.count, file)
        unsafe fclose(file)
    }

    @Test(.enabled(if: port != nil)) func `a real Prometheus answers the same`() async throws {
        let port = try #require(Self.port)
        let seed = UInt64(Self.environment("BINNACLE_DIFFERENTIAL_SEED") ?? "") ?? 1
        let count = Int(Self.environment("BINNACLE_DIFFERENTIAL_QUERIES") ?? "") ?? 500
        var router = HTTPRouter()
        let source = FixedSource(all: Differential.data())
        PrometheusAPI(source: source, clock: ManualClock(startingAt: Timestamp(milliseconds: Differential.start))).register(on: &router)
        var questions = Differential(random: .init(seed: seed))
        var compared = 0, refused = 0, empty = 0, differing = 0
        for number in 0..<count {
            let query = questions.vector(3)
            let isRange = number % 2 == 0
            let from = Differential.start / 1000 + 603
            let pairs: [(name: String, value: String)] =
                isRange
                ? [("query", query), ("start", "\(from)"), ("end", "\(from + 1800)"), ("step", "50")]
                : [("query", query), ("time", "\(from + Int64(number % 1700) / 10 * 10)")]
            let path = "/api/v1/" + (isRange ? "query_range" : "query")
            guard case .bytes(let bytes) = await router.respond(to: HTTPRequest(path: path, query: pairs)).body else { continue }
            let ours = try JSON.parse(bytes)
            let theirs = try JSON.parse(try Self.get(port, path + "?" + pairs.map { "\($0.name)=\(Self.escaped($0.value))" }.joined(separator: "&")))
            if theirs["status"] == "error" || ours["status"] == "error" {
                refused += 1
                let bothRefuse = theirs["status"] == ours["status"] && theirs["errorType"] == ours["errorType"]
                if !bothRefuse { differing += 1 }
                #expect(bothRefuse, "seed \(seed), \(pairs): ours \(Self.short(ours)), theirs \(Self.short(theirs))")
                continue
            }
            let left = Self.samples(ours["data"]), right = Self.samples(theirs["data"])
            if right.isEmpty { empty += 1 }
            compared += 1
            let difference = Self.difference(left, right)
            if difference != nil { differing += 1 }
            #expect(difference == nil, "seed \(seed), \(pairs): \(difference ?? "")")
            if differing > 10 { break }
        }
        print("differential: seed \(seed): \(compared) answers compared (\(empty) of them empty), \(refused) queries refused, \(differing) differ")
    }

    private static func short(_ document: JSON) -> String { String(decoding: document.bytes().prefix(300), as: UTF8.self) }

    /// Label sets and times with their values.
    private static func samples(_ data: JSON) -> [String: Double] {
        var result: [String: Double] = [:]
        func add(_ labels: String, _ point: JSON) { result["\(labels) @ \(point[0].double ?? 0)"] = NumberText.parseFloat(point[1].string ?? "") ?? .infinity }
        if data["resultType"] == "scalar" { add("scalar", data["result"]) }
        for series in data["resultType"] == "scalar" ? [] : data["result"].elements {
            let labels = Labels(series["metric"].stringMap).description
            if !series["value"].isNull { add(labels, series["value"]) }
            for point in series["values"].elements { add(labels, point) }
        }
        return result
    }

    private static func difference(_ ours: [String: Double], _ theirs: [String: Double]) -> String? {
        for (key, value) in ours {
            guard let other = theirs[key] else { return "only ours: \(key) = \(value)" }
            let isNear = value == other || value.isNaN && other.isNaN || (value - other).magnitude <= 1e-7 * max(1, value.magnitude, other.magnitude)
            if !isNear { return "\(key): ours \(value), theirs \(other)" }
        }
        return theirs.keys.first { ours[$0] == nil }.map { "only theirs: \($0) = \(theirs[$0] ?? 0)" }
    }

    // MARK: A client

    private static func escaped(_ text: String) -> String {
        text.utf8.map { byte in
            (48...57).contains(byte) || (97...122).contains(byte | 0x20) && byte < 128
                ? String(Unicode.Scalar(byte)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
    }

    /// The body of an answer; HTTP/1.0, so that it ends with the connection.
    private static func get(_ port: UInt16, _ target: String) throws -> [UInt8] {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let outcome = unsafe withUnsafePointer(to: &address) { pointer in
            // The kernel reads the address as the generic type of the same size.
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        try #require(outcome == 0, "nothing listens on 127.0.0.1:\(port)")
        let request = Array("GET \(target) HTTP/1.0\r\n\r\n".utf8)
        _ = unsafe write(descriptor, request, request.count)
        var text: [UInt8] = []
        var buffer = Array(repeating: UInt8(0), count: 1 << 16)
        while true {
            let count = unsafe read(descriptor, &buffer, buffer.count)
            guard count > 0 else { break }
            text.append(contentsOf: buffer[..<count])
        }
        for index in text.indices.dropLast(3) where text[index..<(index + 4)].elementsEqual([13, 10, 13, 10]) { return Array(text[(index + 4)...]) }
        return text
    }
}
