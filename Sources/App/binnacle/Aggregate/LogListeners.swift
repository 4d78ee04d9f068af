import Ingest
import LogStore
import Logging
import Runtime
import ServiceLifecycle
import Serving
import Telemetry

/// The log store as what log lines come in for.
struct ArchivedLogs: LogWriter {
    let archive: LogArchive

    func append(_ batches: [LogBatch]) async throws(LogWriteError) {
        do {
            try await archive.append(batches)
        } catch let error as LogStoreError {
            switch error {
            case .overloaded: throw .overloaded("\(error)")
            case .invalidBatch, .outOfOrder: throw .invalid("\(error)")
            default: throw .unavailable("\(error)")
            }
        } catch {
            throw .unavailable("\(error)")
        }
    }
}

/// Syslog's streams over the network.
private struct SyslogStreams: StreamHandler {
    let server: SyslogServer

    func serve(_ connection: inout StreamConnection) async throws {
        var session = server.session(peer: connection.peer)
        while let bytes = try await connection.read() { try await session.receive(bytes) }
        try await session.finish()
    }
}

/// Syslog's datagrams over the network and from local programs.
private struct SyslogDatagrams: DatagramHandler {
    let server: SyslogServer
    /// Of senders without an address.
    let host: String
    func receive(_ datagram: [UInt8], from peer: String) { server.receive(datagram, from: peer.isEmpty ? host : peer) }
}

/// The forward protocol over the network.
private struct ForwardStreams: StreamHandler {
    let server: ForwardServer

    func serve(_ connection: inout StreamConnection) async throws {
        var session = server.session()
        if !session.greeting.isEmpty { try await connection.write(session.greeting) }
        while !session.isOver, let bytes = try await connection.read() {
            let answer = try await session.receive(bytes)
            if !answer.isEmpty { try await connection.write(answer) }
        }
    }
}

/// Where log lines come in beside HTTP.
enum LogListeners {
    /// Binds what the settings name. A default address that another program has is left to it, with a warning.
    static func bind(_ settings: Settings, intake: LogIntake, registry: MetricRegistry, log: Logger) async throws -> [any Service] {
        var parts: [any Service] = []
        let listen = settings.logListen
        let syslog = SyslogServer(intake)
        let datagrams = SyslogDatagrams(server: syslog, host: settings.nodeName)
        if let endpoint = listen.syslog {
            let port = endpoint.port + settings.portOffset
            try await attempt(endpoint, port) {
                // Both or neither.
                let udp = try await DatagramListener.bind(name: "syslog udp", host: endpoint.host, port: port, handler: datagrams, metrics: registry)
                parts += [try await stream("syslog", endpoint, port, SyslogStreams(server: syslog), nil, registry, log), udp]
            }
        }
        if let endpoint = listen.syslogTLS {
            guard let certificate = listen.certificateFile, let key = listen.keyFile else {
                throw CommandFailure(message: "syslog-tls-listen needs a certificate", hint: "give --log-tls-certificate and --log-tls-key", exitCode: 2)
            }
            let files = HostFileSystem()
            let identity = TLSIdentity(certificate: try files.text(certificate), privateKey: try files.text(key), clientAuthority: "")
            let port = endpoint.port + settings.portOffset
            try await attempt(endpoint, port) {
                parts.append(try await stream("syslog tls", endpoint, port, SyslogStreams(server: syslog), identity, registry, log))
            }
        }
        if let path = listen.syslogSocket {
            do {
                parts.append(try LocalDatagramListener.bind(name: "syslog socket", path: path, handler: datagrams, metrics: registry))
            } catch {
                throw CommandFailure(message: "\(error)", hint: "name another path with --syslog-socket")
            }
        }
        if let endpoint = listen.forward {
            var configuration = ForwardServer.Configuration()
            configuration.hostName = settings.nodeName
            if let file = listen.forwardKeyFile {
                let key = try HostFileSystem().text(file).split(separator: "\n").first.map(String.init) ?? ""
                guard !key.isEmpty else { throw CommandFailure(message: "\(file) holds no key", hint: "write the key on its first line", exitCode: 2) }
                configuration.sharedKey = key
            }
            let port = endpoint.port + settings.portOffset
            try await attempt(endpoint, port) {
                parts.append(
                    try await stream("forward", endpoint, port, ForwardStreams(server: ForwardServer(intake, configuration: configuration)), nil, registry, log)
                )
            }
        }
        parts.append(Part(name: "syslog datagrams", body: { await syslog.run() }))
        return parts
    }

    private static func stream(
        _ name: String, _ endpoint: LogListenSettings.Endpoint, _ port: Int, _ handler: any StreamHandler, _ identity: TLSIdentity?,
        _ registry: MetricRegistry, _ log: Logger
    ) async throws -> StreamListener {
        var configuration = StreamListener.Configuration(name: name, host: endpoint.host, port: port, tls: identity)
        // Senders of syslog keep a quiet connection for hours and lose a line if it is closed meanwhile.
        configuration.idleTimeout = .seconds(4 * 3600)
        return try await StreamListener.bind(configuration, handler: handler, metrics: registry, logger: log)
    }

    private static func attempt(_ endpoint: LogListenSettings.Endpoint, _ port: Int, _ bind: () async throws -> Void) async throws {
        do {
            guard (1...65_535).contains(port) else { throw ServingError.failed("port \(port), which \(endpoint.text) is with the offset, is none") }
            try await bind()
        } catch let error as ServingError {
            guard !endpoint.isChosen else { throw error }
            Output.error("warning: \(error); log lines are not taken in there")
        }
    }
}
