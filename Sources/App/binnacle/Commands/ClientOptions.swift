import ArgumentParser
import HTTP
import JSON
import Serving

enum ColorChoice: String, ExpressibleByArgument, CaseIterable { case auto, always, never }

/// Where a client command asks.
struct ClientOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The read-only endpoint to ask.", discussion: "Default: $BINNACLE_SERVER, else port 10255 here.", valueName: "url"))
    var server: String?

    @Option(help: ArgumentHelp("Ask the copy whose ports are moved by N.", valueName: "n"))
    var portOffset: Int = 0

    func address(_ target: String) throws -> HTTPAddress {
        let base = server ?? Output.environment("BINNACLE_SERVER") ?? "http://127.0.0.1:\(Ports.readOnly + portOffset)"
        guard var address = HTTPAddress(base) else {
            throw CommandFailure(message: "\"\(base)\" is no server address", hint: "write it as http://127.0.0.1:10255", exitCode: 2)
        }
        address.target = (address.target == "/" ? "" : address.target) + target
        return address
    }

    /// Sends a form and returns the parsed answer.
    func post(_ path: String, _ form: [(String, String)]) async throws -> JSON {
        let body = form.map { "\($0.0)=\($0.1.percentEncoded)" }.joined(separator: "&")
        let answer = try await reaching {
            try await HTTPClient().send(
                "POST", try address(path), fields: ["Content-Type": "application/x-www-form-urlencoded"], body: Array(body.utf8))
        }
        guard let document = try? JSON.parse(answer.body) else {
            throw CommandFailure(message: "the server answered \(answer.status) with something that is not JSON")
        }
        return document
    }

    /// Turns a connection that failed into advice.
    func reaching<Result>(_ work: () async throws -> Result) async throws -> Result {
        do {
            return try await work()
        } catch let error as ServingError {
            throw CommandFailure(
                message: "\(error)", hint: "is `binnacle up` running? --server or --port-offset say where", exitCode: 5)
        }
    }
}

/// The ports before `--port-offset` (DESIGN.md, Processes and ports).
enum Ports {
    static let readOnly = 10255
    static let api = 6443
    static let ingest = 10251
}
