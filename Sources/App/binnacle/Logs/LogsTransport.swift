import HTTP
import JSON
import LogStore
import QueryAPI
import Runtime
import Serving

/// Where a search is asked: a server, or the same API over a data directory or over files, in this process.
struct LogsTransport {
    private enum Kind {
        case server(ClientOptions)
        case local(HTTPRouter, LogArchive?)
    }
    private let kind: Kind
    /// What no answer says: files that could not be opened at all.
    private(set) var warnings: [String] = []

    private init(kind: Kind) { self.kind = kind }

    static func open(_ targets: LogsTargets, _ selection: LogsSelectionOptions, _ client: ClientOptions) throws -> LogsTransport {
        if !targets.files.isEmpty {
            var router = HTTPRouter()
            let source = try LogFiles.read(targets.files)
            LogsAPI(source: source) { SystemClock().nanoseconds }.register(on: &router)
            LokiAPI(source: source, clock: SystemClock(), metrics: MetricRegistry()).register(on: &router)
            return LogsTransport(kind: .local(router, nil))
        }
        guard let directory = selection.dataDir else { return LogsTransport(kind: .server(client)) }
        let path = HostFileSystem().exists("\(directory)/logs") ? "\(directory)/logs" : directory
        guard HostFileSystem().exists("\(path)/wal.db") else {
            throw CommandFailure(message: "\(directory) holds no log store", hint: "name a data directory of Binnacle, such as /var/lib/binnacle", exitCode: 2)
        }
        do {
            // As it is now, also while a server has it: nothing is locked, nothing written.
            var options = LogArchive.Options(directory: path)
            options.isReadOnly = true
            let archive = try LogArchive(options, metrics: MetricRegistry())
            var router = HTTPRouter()
            LogsAPI(source: archive) { SystemClock().nanoseconds }.register(on: &router)
            LokiAPI(source: archive, clock: SystemClock(), metrics: MetricRegistry()).register(on: &router)
            var transport = LogsTransport(kind: .local(router, archive))
            transport.warnings = archive.damagedFiles.map { "lines are missing: \($0.path): \($0.reason)" }
            return transport
        } catch let error as LogStoreError {
            throw CommandFailure(message: "\(error)")
        }
    }

    var isLocal: Bool { if case .local = kind { true } else { false } }

    func close() async {
        if case .local(_, let archive?) = kind { try? await archive.close() }
    }

    private static func target(_ path: String, _ query: [(String, String)]) -> String {
        path + "?" + query.map { "\($0.0)=\($0.1.percentEncoded)" }.joined(separator: "&")
    }

    /// The document that a path answers.
    func get(_ path: String, _ query: [(String, String)]) async throws -> JSON {
        let status: Int
        let bytes: [UInt8]
        switch kind {
        case .server(let client):
            let answer = try await client.reaching { try await HTTPClient().send("GET", try client.address(Self.target(path, query))) }
            (status, bytes) = (answer.status, answer.body)
        case .local(let router, _):
            let response = await router.respond(to: HTTPRequest(path: path, query: query.map { (name: $0.0, value: $0.1) }))
            guard case .bytes(let body) = response.body else { throw CommandFailure(message: "\(path) answers a stream") }
            (status, bytes) = (response.status, body)
        }
        guard status == 200 else { throw LogsFailure.of(bytes, status, query) }
        return (try? JSON.parse(bytes)) ?? .null
    }

    /// Hands over each object of an answer of JSON lines, as it comes.
    func stream(_ path: String, _ query: [(String, String)], _ body: @escaping (JSON) throws -> Void) async throws {
        var status = 200
        var splitter = LineSplitter()
        switch kind {
        case .server(let client):
            try await client.reaching {
                try await HTTPClient().stream("GET", try client.address(Self.target(path, query))) { answer in
                    status = answer.status
                } onBody: { bytes in
                    try splitter.add(bytes, whole: status == 200, body)
                }
            }
        case .local(let router, _):
            let response = await router.respond(to: HTTPRequest(path: path, query: query.map { (name: $0.0, value: $0.1) }))
            status = response.status
            switch response.body {
            case .bytes(let bytes): try splitter.add(bytes, whole: status == 200, body)
            case .stream(let produce):
                // One page at a time, held until it is handed over: pages are bounded by their limit.
                let pipe = LocalPipe()
                try await produce(pipe)
                try splitter.add(await pipe.bytes, whole: true, body)
            }
        }
        if status != 200 { throw LogsFailure.of(splitter.rest, status, query) }
    }
}

/// Cuts bytes into the objects of JSON lines.
private struct LineSplitter {
    private(set) var rest: [UInt8] = []

    mutating func add(_ bytes: [UInt8], whole: Bool, _ body: (JSON) throws -> Void) throws {
        rest += bytes
        guard whole else { return }
        var start = 0
        while let end = rest[start...].firstIndex(of: 0x0A) {
            if let line = try? JSON.parse(Array(rest[start..<end])) {
                if let error = line["error"].string { throw CommandFailure(message: error, hint: line["hint"].string, exitCode: 4) }
                try body(line)
            }
            start = end + 1
        }
        rest.removeFirst(start)
    }
}

private actor LocalPipe: HTTPBodyWriter {
    var bytes: [UInt8] = []
    func write(_ more: [UInt8]) async throws { bytes += more }
}
