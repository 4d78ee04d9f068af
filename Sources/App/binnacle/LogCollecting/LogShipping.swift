import Glibc
import LogTail
import NodeEndpoint
import Runtime
import ServiceLifecycle
import Serving

/// The logs of `collect`: sources, then a spool on disk, then the aggregator.
///
/// Whatever the aggregator does, nothing waits for it but the spool: when that is full, reading stops, and the log files are the
/// buffer, unless the file says that lines may be left out.
struct LogShipping {
    let logs: NodeLogs
    let spool: LogSpool
    let sink: HTTPLogSink
    let address: String
    let sources: [String]
    /// Held for as long as the process lives.
    private let lock: HostFile

    /// nil if nothing is to be shipped. Refuses, starting nothing, what is wrong in the settings or the file.
    static func make(_ settings: LogShippingSettings, node: String, root: String, registry: MetricRegistry) throws -> LogShipping? {
        guard settings.isOn else {
            guard settings.config.isEmpty, settings.spool.isEmpty else {
                throw CommandFailure(message: "logs are to be collected, but nobody says where to", hint: "name the aggregator with --logs-to", exitCode: 2)
            }
            return nil
        }
        guard let address = HTTPAddress(settings.to) else { throw CommandFailure(message: "--logs-to is \"\(settings.to)\", which is no address", exitCode: 2) }
        let directory = settings.directory
        let lock = try lock(directory)
        var configuration = try LogsFile.read(settings.config.isEmpty ? nil : settings.config, standard: .standard(root: root), directory: directory)
        if let bytes = settings.spoolSize { configuration.spool.maximumBytes = Int64(bytes) }
        let files = HostFileSystem()
        let token = try CollectServer.token(settings.tokenFile, files, flag: "--logs-token-file")
        var client = HTTPClient()
        if address.isTLS {
            let path = settings.authorityFile.isEmpty ? "/etc/ssl/certs/ca-certificates.crt" : settings.authorityFile
            do { client.trust = .hosts(try files.text(path)) } catch {
                throw CommandFailure(message: "\(error)", hint: "--logs-ca-file names the certificates of who signs the aggregator's")
            }
        }
        let sink = HTTPLogSink(address, token: token, client: client, metrics: registry)
        do {
            let spool = try LogSpool(path: "\(directory)/spool.db", options: configuration.spool, node: node, sink: sink, metrics: registry)
            var options = NodeLogs.Options(directory: directory, node: node)
            options.configuration = configuration
            options.maximumOpenFiles = LogsFile.openFiles
            let logs = try NodeLogs(options, sink: spool, metrics: registry)
            return LogShipping(logs: logs, spool: spool, sink: sink, address: settings.to, sources: configuration.summary, lock: lock)
        } catch {
            throw CommandFailure(message: "\(error)", hint: "name another directory for logs that wait with --logs-spool")
        }
    }

    /// One process a directory: two would send the same lines under two names.
    private static func lock(_ directory: String) throws -> HostFile {
        do {
            try HostFileSystem().makeDirectory(directory, mode: 0o700)
            let lock = try HostFile("\(directory)/lock", flags: O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o600)
            guard flock(lock.descriptor, LOCK_EX | LOCK_NB) == 0 else {
                throw CommandFailure(
                    message: "\(directory) is in use by another binnacle collect", hint: "stop that one, or give this one its own with --logs-spool")
            }
            return lock
        } catch let error as FileError {
            throw CommandFailure(message: "\(error)", hint: "name a directory that can be written with --logs-spool")
        }
    }

    /// The spool first, so that it stops last.
    var parts: [any Service] {
        [Part(name: "log spool", body: { await spool.run() }), Part(name: "log sources", body: { await logs.run() })]
    }

    /// Why lines are not read at this moment; an aggregator that is away is no reason while the spool has room.
    var health: HealthCheck { HealthCheck("collecting") { [logs] in logs.trouble.text } }

    /// For the status page.
    var status: NodeEndpoint.OwnerStatus {
        if let trouble = logs.trouble.text { return .init(name: "logs", isWell: false, message: trouble) }
        if let problem = sink.problem { return .init(name: "logs", isWell: false, message: "waiting: \(problem)") }
        return .init(name: "logs", isWell: true, message: "to \(address)")
    }
}
