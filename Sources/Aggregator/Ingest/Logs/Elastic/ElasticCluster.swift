public import HTTP
import JSON
import Synchronization

/// What clients of Elasticsearch ask before they write or search: who is there, which licence, which nodes; and what they leave
/// there, such as index templates, which is kept as it came and has no effect.
///
/// One of it may be registered on several routers, beneath a prefix on each.
public final class ElasticCluster: Sendable {
    private struct Kept {
        var settings: [String: [UInt8]] = [:]
        var bytes = 0
        var indices: Set<String> = []
    }

    private let kept = Mutex(Kept())
    private let version: String
    private let maximumSettings: Int
    private let maximumBytes: Int
    private static let identifier = "q6kZ1gmkQhW4binnacle0A"

    /// - Parameter version: what it says to be; a client that asks for compatibility with another major version is told one of that.
    public init(version: String = "8.15.0", maximumSettings: Int = 1000, maximumBytes: Int = 16 << 20) {
        self.version = version
        self.maximumSettings = maximumSettings
        self.maximumBytes = maximumBytes
    }

    /// The indices that lines came in for, or that were made.
    public var indices: [String] { kept.withLock { $0.indices.sorted() } }

    func note(index: String) { kept.withLock { if $0.indices.count < maximumSettings { $0.indices.insert(index) } } }

    public func register(on router: inout HTTPRouter, prefix: String = "") {
        func on(_ methods: String, _ path: String, _ answer: @escaping @Sendable (HTTPRequest, HTTPRouter.Parameters) -> HTTPResponse) {
            router.on(methods, prefix + path) { request, parameters in ElasticAnswer.dressed(answer(request, parameters), for: request) }
        }
        on("GET", "/") { request, _ in .json(ElasticAnswer.filtered(self.greeting(request), request)) }
        on("GET", "/_license") { _, _ in
            .json([
                "license": [
                    "status": "active", "uid": .string(Self.identifier), "type": "basic", "issue_date": "2020-01-01T00:00:00.000Z",
                    "issue_date_in_millis": 1_577_836_800_000, "expiry_date_in_millis": 4_000_000_000_000, "max_nodes": 1000, "issued_to": "binnacle",
                    "issuer": "elasticsearch", "start_date_in_millis": -1,
                ]
            ])
        }
        on("GET", "/_xpack") { _, _ in
            .json([
                "build": ["hash": "binnacle", "date": "2024-08-05T10:05:34.233336849Z"],
                "license": ["uid": .string(Self.identifier), "type": "basic", "mode": "basic", "status": "active"],
                "features": ["ilm": ["available": true, "enabled": true], "security": ["available": false, "enabled": false]],
            ])
        }
        for path in ["/_nodes", "/_nodes/http", "/_nodes/_all/http", "/_nodes/_local"] {
            on("GET", path) { request, _ in
                // Clients that look for other nodes find the one that they have asked.
                let address = request.fields["Host"] ?? "127.0.0.1:9200"
                return .json([
                    "_nodes": ["total": 1, "successful": 1, "failed": 0], "cluster_name": "binnacle",
                    "nodes": [
                        "binnacle": [
                            "name": "binnacle", "transport_address": .string(address), "host": "127.0.0.1", "ip": "127.0.0.1",
                            "version": .string(self.version(for: request)), "build_flavor": "default", "roles": ["data", "ingest", "master"],
                            "http": [
                                "bound_address": [.string(address)], "publish_address": .string(address),
                                "max_content_length_in_bytes": 67_108_864,
                            ],
                        ]
                    ],
                ])
            }
        }
        for path in ["/_cluster/health", "/_cluster/health/{index}"] {
            on("GET", path) { _, _ in
                .json([
                    "cluster_name": "binnacle", "status": "green", "timed_out": false, "number_of_nodes": 1, "number_of_data_nodes": 1,
                    "active_primary_shards": 1, "active_shards": 1, "relocating_shards": 0, "initializing_shards": 0, "unassigned_shards": 0,
                    "delayed_unassigned_shards": 0, "number_of_pending_tasks": 0, "number_of_in_flight_fetch": 0,
                    "task_max_waiting_in_queue_millis": 0, "active_shards_percent_as_number": 100.0,
                ])
            }
        }
        for kind in Kind.allCases {
            on("GET PUT POST DELETE", kind.path + "/{name}") { request, parameters in self.setting(kind, parameters["name"] ?? "", request) }
            on("GET", kind.path) { request, _ in self.setting(kind, "*", request) }
        }
        on("PUT", "/{index}") { _, parameters in self.make(parameters["index"] ?? "") }
        // For HEAD: whether it exists.
        on("GET", "/{index}") { _, parameters in
            let name = parameters["index"] ?? ""
            guard self.kept.withLock({ $0.indices.contains(name) }) else {
                return ElasticAnswer.error(404, "index_not_found_exception", "no such index [\(IngestLimits.short(name))]")
            }
            let empty = JSON.object(JSONObject())
            return .json(.object([(name, .object([("aliases", empty), ("mappings", empty), ("settings", empty)]))]))
        }
    }

    private func version(for request: HTTPRequest) -> String {
        guard let asked = ElasticAnswer.compatibility(request), asked != Int(version.prefix { $0 != "." }) else { return version }
        return asked == 7 ? "7.17.24" : "\(asked).0.0"
    }

    private func greeting(_ request: HTTPRequest) -> JSON {
        [
            "name": "binnacle", "cluster_name": "binnacle", "cluster_uuid": .string(Self.identifier),
            "version": [
                "number": .string(version(for: request)), "build_flavor": "default", "build_type": "docker", "build_hash": "binnacle",
                "build_date": "2024-08-05T10:05:34.233336849Z", "build_snapshot": false, "lucene_version": "9.11.1",
                "minimum_wire_compatibility_version": "7.17.0", "minimum_index_compatibility_version": "7.0.0",
            ],
            "tagline": "You Know, for Search",
        ]
    }

    private func make(_ name: String) -> HTTPResponse {
        guard !name.hasPrefix("_"), name.utf8.count <= 255 else {
            return ElasticAnswer.error(400, "invalid_index_name_exception", "Invalid index name [\(IngestLimits.short(name))]")
        }
        let isNew = kept.withLock { $0.indices.count < maximumSettings ? $0.indices.insert(name).inserted : true }
        guard isNew else { return ElasticAnswer.error(400, "resource_already_exists_exception", "index [\(name)] already exists") }
        return .json(["acknowledged": true, "shards_acknowledged": true, "index": .string(name)])
    }

    // MARK: What clients leave here

    enum Kind: String, CaseIterable {
        case indexTemplate = "_index_template"
        case template = "_template"
        case componentTemplate = "_component_template"
        case policy = "_ilm/policy"
        case pipeline = "_ingest/pipeline"
        case dataStream = "_data_stream"
        var path: String { "/" + rawValue }

        /// A list of them, as a GET answers.
        func document(_ found: [(name: String, body: JSON)]) -> JSON {
            switch self {
            case .indexTemplate: ["index_templates": .array(found.map { ["name": .string($0.name), "index_template": $0.body] })]
            case .componentTemplate: ["component_templates": .array(found.map { ["name": .string($0.name), "component_template": $0.body] })]
            case .dataStream: ["data_streams": .array(found.map { ["name": .string($0.name), "timestamp_field": ["name": "@timestamp"], "status": "GREEN"] })]
            case .policy:
                .object(
                    found.map { ($0.name, .object([("version", 1), ("modified_date", "2024-01-01T00:00:00.000Z"), ("policy", $0.body["policy"])])) })
            case .template, .pipeline: .object(found.map { ($0.name, $0.body) })
            }
        }
    }

    private func setting(_ kind: Kind, _ name: String, _ request: HTTPRequest) -> HTTPResponse {
        let key = "\(kind.rawValue)/\(name)"
        switch request.method {
        case "PUT", "POST":
            guard kind == .dataStream || request.body.isEmpty || (try? JSON.parse(request.body))?.object != nil else {
                return ElasticAnswer.error(400, "parse_exception", "the body is no JSON object")
            }
            let isKept = kept.withLock { kept in
                let bytes = kept.bytes + request.body.count - (kept.settings[key]?.count ?? 0)
                guard kept.settings[key] != nil || kept.settings.count < maximumSettings, bytes <= maximumBytes else { return false }
                kept.bytes = bytes
                kept.settings[key] = request.body
                return true
            }
            guard isKept else {
                return ElasticAnswer.error(
                    400, "illegal_argument_exception", "no room for more: at most \(maximumSettings) templates, policies and pipelines are kept")
            }
            return .json(["acknowledged": true])
        case "DELETE":
            let old = kept.withLock { kept in
                let old = kept.settings.removeValue(forKey: key)
                kept.bytes -= old?.count ?? 0
                return old
            }
            return old == nil ? missing(name) : .json(["acknowledged": true])
        default:
            let prefix = "\(kind.rawValue)/"
            let wanted = name.split(separator: ",").map(String.init)
            let found = kept.withLock { $0.settings }.filter { entry in
                entry.key.hasPrefix(prefix)
                    && wanted.contains { wish in
                        let have = entry.key.dropFirst(prefix.count)
                        return wish.hasSuffix("*") ? have.hasPrefix(wish.dropLast()) : have == wish
                    }
            }
            guard !found.isEmpty || name.contains("*") else { return missing(name) }
            let documents = found.sorted { $0.key < $1.key }.map {
                (name: String($0.key.dropFirst(prefix.count)), body: (try? JSON.parse($0.value)) ?? .object(JSONObject()))
            }
            return .json(ElasticAnswer.filtered(kind.document(documents), request))
        }
    }

    private func missing(_ name: String) -> HTTPResponse {
        ElasticAnswer.error(404, "resource_not_found_exception", "[\(IngestLimits.short(name))] not found")
    }
}
