import APIServer
import HTTP
import InternetAddresses
import JSON
import ObjectStore
import Objects
import Runtime
import Synchronization
import TestKit
import Testing

/// A server on a store of its own, asked by calling its handler.
final class Fixture: Sendable {
    let directory = TemporaryDirectory("api")
    let clock = ManualClock()
    let store: SQLiteObjectStore
    let server: APIServer
    let registry = MetricRegistry()

    init(logs: (any PodLogSource)? = nil, health: (any ComponentHealth)? = nil, ring: Int = 4096) async throws {
        var options = SQLiteObjectStore.Options()
        options.ringEvents = ring
        store = try SQLiteObjectStore(path: directory.file("objects.db"), options: options, clock: clock, metrics: registry)
        var configuration = APIServer.Configuration()
        configuration.tokens = ["secret": UserInfo(name: "admin", groups: ["system:masters"])]
        configuration.serviceNetwork = IPv4Network("10.96.0.0/24")!
        server = APIServer(
            store: store, configuration: configuration, logs: logs, health: health, clock: clock, metrics: registry,
            metricsText: { Array("up 1\n".utf8) })
        try await server.bootstrap()
    }

    struct Answer: Sendable {
        var status: Int
        var fields: HTTPFields
        var bytes: [UInt8]
        var json: JSON { (try? JSON.parse(bytes)) ?? .null }
        var text: String { String(decoding: bytes, as: UTF8.self) }
        var message: String { json["message"].string ?? text }
    }

    static let tableAccept =
        "application/json;as=Table;v=v1;g=meta.k8s.io, application/json;as=Table;v=v1beta1;g=meta.k8s.io, application/json"

    func request(
        _ method: String, _ target: String, _ body: [UInt8] = [], type: String? = "application/json", accept: String? = nil,
        token: String? = "secret", client: HTTPRequest.ClientIdentity? = nil
    ) -> HTTPRequest {
        let parts = target.split(separator: "?", maxSplits: 1)
        var request = HTTPRequest(method: method, path: String(parts[0]), body: body, client: client)
        if parts.count == 2 {
            request.query = parts[1].split(separator: "&").map { pair in
                let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                return (String(sides[0]), sides.count > 1 ? String(sides[1]) : "")
            }
        }
        if let type, !body.isEmpty { request.fields["Content-Type"] = type }
        if let accept { request.fields["Accept"] = accept }
        if let token { request.fields["Authorization"] = "Bearer \(token)" }
        return request
    }

    func call(_ request: HTTPRequest) async -> Answer {
        let response = await server.respond(to: request)
        switch response.body {
        case .bytes(let bytes): return Answer(status: response.status, fields: response.fields, bytes: bytes)
        case .stream(let body):
            let writer = LineWriter()
            try? await body(writer)
            return Answer(status: response.status, fields: response.fields, bytes: writer.written.withLock { $0 })
        }
    }

    @discardableResult
    func call(
        _ method: String, _ target: String, _ body: JSON? = nil, type: String? = "application/json", accept: String? = nil,
        token: String? = "secret"
    ) async -> Answer {
        await call(request(method, target, body?.bytes() ?? [], type: type, accept: accept, token: token))
    }

    /// Begins a watch; its lines come as they are written.
    func watch(_ target: String, accept: String? = nil) async throws -> Lines {
        let response = await server.respond(to: request("GET", target, accept: accept))
        let writer = LineWriter()
        guard case .stream(let body) = response.body else {
            if case .bytes(let bytes) = response.body { try await writer.write(bytes) }
            return Lines(writer: writer, task: Task {})
        }
        return Lines(writer: writer, task: Task { try await body(writer) })
    }

    static func pod(_ name: String, labels: [String: String] = [:], node: String? = nil) -> JSON {
        var pod: JSON = [
            "apiVersion": "v1", "kind": "Pod", "metadata": ["name": .string(name), "labels": .strings(labels)],
            "spec": ["containers": [["name": "c", "image": "host"]]],
        ]
        if let node { pod["spec"]["nodeName"] = .string(node) }
        return pod
    }

    static func deployment(_ name: String, replicas: Int) -> JSON {
        [
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": .string(name)],
            "spec": [
                "replicas": JSON(replicas), "selector": ["matchLabels": ["app": .string(name)]],
                "template": [
                    "metadata": ["labels": ["app": .string(name)]], "spec": ["containers": [["name": "c", "image": "host"]]],
                ],
            ],
        ]
    }

    static func service(_ name: String, _ spec: JSON) -> JSON {
        ["apiVersion": "v1", "kind": "Service", "metadata": ["name": .string(name)], "spec": spec]
    }
}

/// Collects a streamed body.
final class LineWriter: HTTPBodyWriter {
    let written = Mutex<[UInt8]>([])
    func write(_ bytes: [UInt8]) async throws { written.withLock { $0 += bytes } }
    var lines: [JSON] {
        written.withLock { $0 }.split(separator: 0x0A).map { (try? JSON.parse(Array($0))) ?? .null }
    }
}

/// The frames of a running watch.
final class Lines: Sendable {
    let writer: LineWriter
    let task: Task<Void, any Error>
    init(writer: LineWriter, task: Task<Void, any Error>) {
        self.writer = writer
        self.task = task
    }
    deinit { task.cancel() }

    /// The frames, once there are `count`; fails after two seconds without them.
    func frames(_ count: Int) async throws -> [JSON] {
        for _ in 0..<2000 {
            let lines = writer.lines
            if lines.count >= count { return lines }
            try await Task.sleep(for: .milliseconds(1))
        }
        let lines = writer.lines
        Issue.record("\(lines.count) frames where \(count) were expected: \(lines)")
        return lines + Array(repeating: .null, count: count - lines.count)
    }

    /// `ADDED web`, in order.
    func summary(_ count: Int) async throws -> [String] {
        try await frames(count).map { "\($0["type"].string ?? "?") \($0["object"].metadataName)" }
    }
}
