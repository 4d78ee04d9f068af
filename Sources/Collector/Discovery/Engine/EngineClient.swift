import HTTP
import JSON
import NodeStats
import Serving
import Synchronization

/// Docker and Podman by the REST interface of the Docker Engine, on a unix socket.
///
/// Podman answers Docker's paths too, but tells of its pods, its infra containers and its cgroups only on its own, so
/// it is asked there. Which of the two listens is asked each time: `docker.sock` is Podman's on some machines.
/// Paths without a version get each engine's newest interface; what is read has been the same since Docker 17.
final class EngineClient: RuntimeClient {
    struct Bounds: Sendable {
        var timeout: Duration = .seconds(5)
        var listBytes = 8 << 20
        var inspectBytes = 1 << 20
        var eventBytes = 256 << 10
        init() {}
    }

    let socket: String
    let labels: AllowList
    let environment: AllowList
    let bounds: Bounds
    /// The prefix of Podman's own paths once it is known that Podman listens: `/v4.3.1/libpod`.
    private let libpod = Mutex<String?>(nil)

    init(socket: String, labels: AllowList, environment: AllowList, bounds: Bounds = Bounds()) {
        self.socket = socket
        self.labels = labels
        self.environment = environment
        self.bounds = bounds
    }

    func hello() async throws -> (runtime: String, version: String) {
        let ping = try await get("/_ping", limit: 4096)
        if let version = ping.fields["Libpod-API-Version"], Self.isVersion(version) {
            libpod.withLock { $0 = "/v\(version)/libpod" }
            return ("podman", version)
        }
        libpod.withLock { $0 = nil }
        let version = try JSON.parse(try await get("/version", limit: bounds.inspectBytes).body)
        guard let text = version["Version"].string else { throw DiscoveryError(.malformed, "\(socket): /version has no Version") }
        return ("docker", text)
    }

    func list() async throws -> [String: String] {
        let path = (libpod.withLock { $0 } ?? "") + "/containers/json"
        let answer = try JSON.parse(try await get(path, limit: bounds.listBytes).body)
        // Podman 4 says null where there are none.
        guard answer.array != nil || answer.isNull else { throw DiscoveryError(.malformed, "\(socket): the list of containers is no array") }
        return EngineContainer.list(answer)
    }

    func inspect(_ id: String) async throws -> RuntimeContainer? {
        // The id comes from an answer or from a cgroup's name: into a path goes only what can be an id.
        guard !id.isEmpty, id.utf8.count <= 128, id.utf8.allSatisfy({ $0.isASCIILetterOrDigit || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-") }) else {
            return nil
        }
        let libpod = libpod.withLock { $0 }
        let answer: HTTPClient.Answer
        do {
            answer = try await get("\(libpod ?? "")/containers/\(id)/json", limit: bounds.inspectBytes)
        } catch let error as DiscoveryError where error.reason == .unsupported {
            // 404 is how both say that there is no such container.
            return nil
        }
        let document = try JSON.parse(answer.body)
        var container = try EngineContainer.container(document, isPodman: libpod != nil, labels: labels, environment: environment)
        if let libpod, let pod = document["Pod"].string, !pod.isEmpty, pod.utf8.allSatisfy(\.isASCIILetterOrDigit) {
            container?.reference.podUID = pod
            let name = try? JSON.parse(try await get("\(libpod)/pods/\(pod)/json", limit: bounds.inspectBytes).body)["Name"].string
            container?.reference.pod = AllowList.cut(name ?? "", to: 256)
        }
        return container
    }

    func watch(_ onChange: @escaping @Sendable (RuntimeChange) -> Void) async throws {
        // filters={"type":["container"]}
        let address = HTTPAddress(unixSocket: socket, target: "/events?filters=%7B%22type%22%3A%5B%22container%22%5D%7D")
        var client = HTTPClient()
        client.connectTimeout = bounds.timeout
        var lines = EventLines(limit: bounds.eventBytes)
        try await client.stream("GET", address) { head in
            guard head.status == 200 else { throw Self.refusal(head.status, "/events", socket) }
            // What happened while the stream was being opened.
            onChange(.everything)
        } onBody: { bytes in
            for line in try lines.add(bytes) {
                guard let event = try? JSON.parse(line) else { throw DiscoveryError(.malformed, "\(self.socket): an event is no JSON") }
                if let change = EngineContainer.change(event) { onChange(change) }
            }
        }
    }

    /// A whole answer with status 200, at most `limit` bytes.
    private func get(_ path: String, limit: Int) async throws -> HTTPClient.Answer {
        var client = HTTPClient()
        client.maximumBodyBytes = limit
        client.connectTimeout = bounds.timeout
        client.refusesLongBodies = true
        let answer: HTTPClient.Answer
        do {
            answer = try await client.send("GET", HTTPAddress(unixSocket: socket, target: path), timeout: bounds.timeout)
        } catch ServingError.tooLong {
            throw DiscoveryError(.tooLarge, "\(socket): the answer to \(path) is longer than \(limit) bytes")
        }
        guard answer.status == 200 else { throw Self.refusal(answer.status, path, socket) }
        return answer
    }

    private static func refusal(_ status: Int, _ path: String, _ socket: String) -> DiscoveryError {
        DiscoveryError(status == 404 || status == 501 ? .unsupported : .refused, "\(socket): \(path) answers with status \(status)")
    }

    private static func isVersion(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count < 40 && text.utf8.allSatisfy { $0.isASCIILetterOrDigit || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-") }
    }
}

extension UInt8 {
    var isASCIILetterOrDigit: Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self | 0x20)
    }
}

/// Cuts a stream into lines, each of which may come in pieces.
struct EventLines {
    let limit: Int
    private var pending: [UInt8] = []

    init(limit: Int) { self.limit = limit }

    mutating func add(_ bytes: [UInt8]) throws(DiscoveryError) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        var rest = bytes[...]
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            lines.append(pending + rest[..<end])
            pending = []
            rest = rest[(end + 1)...]
        }
        pending += rest
        guard pending.count <= limit else { throw DiscoveryError(.tooLarge, "an event is longer than \(limit) bytes") }
        return lines.filter { line in line.contains { $0 > 0x20 } }
    }
}
