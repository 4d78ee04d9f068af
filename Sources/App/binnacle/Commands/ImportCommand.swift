import ArgumentParser
import Glibc
import HTTP
import Ingest
import Runtime
import Serving

struct ImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Read samples in: JSON lines, Prometheus' text, OpenMetrics or CSV.",
        discussion: """
            Sends the file in pieces of whole lines to the ingest port, and waits where the store has no room. Stopped, it says
            at which byte to go on; what is sent twice is stored once.

            EXAMPLES
              binnacle import shop.jsonl
              binnacle import table.csv --format csv --csv-format 1:time:unix_s,2:label:host,3:metric:temperature
            """)

    @Argument(help: "The file; - for standard input.") var file: String
    @Option(help: "The form.") var format = ExportForm.jsonl
    @Option(help: ArgumentHelp("What the columns are; without it they are those of `binnacle export --format csv`.", valueName: "description"))
    var csvFormat: String?
    @Option(help: ArgumentHelp("Go on at this byte.", valueName: "n")) var fromByte = 0
    @Option(help: ArgumentHelp("The ingest port to send to.", discussion: "Default: port 10251 here.", valueName: "url")) var server: String?
    @Option(help: ArgumentHelp("Send to the copy whose ports are moved by N.", valueName: "n")) var portOffset = 0

    static let pieceBytes = 4 << 20

    func run() async throws {
        guard var address = HTTPAddress(server ?? "http://127.0.0.1:\(Ports.ingest + portOffset)") else {
            throw CommandFailure(message: "\"\(server ?? "")\" is no server address", hint: "write it as http://127.0.0.1:10251", exitCode: 2)
        }
        switch format {
        case .jsonl: address.target = "/api/v1/import"
        case .prometheus, .openmetrics: address.target = "/api/v1/import/prometheus"
        case .csv: address.target = "/api/v1/import/csv" + (csvFormat.map { "?format=\($0.percentEncoded)" } ?? "")
        }
        let descriptor = file == "-" ? STDIN_FILENO : unsafe open(file, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw CommandFailure(message: "cannot open \(file): \(errnoText(errno))") }
        guard fromByte == 0 || lseek(descriptor, off_t(fromByte), SEEK_SET) >= 0 else {
            throw CommandFailure(message: "cannot go to byte \(fromByte) of \(file)")
        }
        try await send(descriptor, to: address)
    }

    private func send(_ descriptor: Int32, to address: HTTPAddress) async throws {
        var offset = fromByte
        var pending: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        var progress = TransferProgress(what: "imported")
        var isAtEnd = false
        while !isAtEnd {
            let count = unsafe buffer.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
            if count < 0 { throw CommandFailure(message: "cannot read \(file): \(errnoText(errno))", hint: "go on with --from-byte \(offset)") }
            isAtEnd = count == 0
            pending += buffer[..<count]
            guard isAtEnd || pending.count >= Self.pieceBytes else { continue }
            let end = isAtEnd ? pending.count : (pending.lastIndex(of: 0x0A) ?? -1) + 1
            if end == 0 {
                // A line longer than a piece: more of it, up to what the server takes.
                guard pending.count < 30 << 20 else { throw CommandFailure(message: "a line at byte \(offset) of \(file) is longer than 30 MiB") }
                continue
            }
            try await post(Array(pending[..<end]), to: address, at: offset)
            pending.removeFirst(end)
            offset += end
            progress.add(end)
        }
        progress.end()
    }

    private func post(_ piece: [UInt8], to address: HTTPAddress, at offset: Int) async throws {
        guard !piece.isEmpty else { return }
        var fields: HTTPFields = [:]
        var piece = piece
        if format == .openmetrics {
            fields["Content-Type"] = format.contentType
            // Each piece is a page of its own to the server.
            if !piece.suffix(format.tail.count).elementsEqual(format.tail) { piece += format.tail }
        }
        var wait = Backoff(first: .milliseconds(200), limit: .seconds(10))
        while true {
            let answer: HTTPClient.Answer
            do {
                answer = try await HTTPClient().send("POST", address, fields: fields, body: piece, timeout: .seconds(120))
            } catch let error as ServingError {
                throw CommandFailure(message: "\(error)", hint: "go on with --from-byte \(offset); --server or --port-offset say where", exitCode: 5)
            }
            switch answer.status {
            case 200..<300: return
            case 429, 503:
                guard wait.failures < 30 else { throw CommandFailure(message: "the store has no room", hint: "go on with --from-byte \(offset)") }
                try await Task.sleep(for: wait.next())
            default:
                let text = String(decoding: answer.body.prefix(1000), as: UTF8.self).split(separator: "\n").first ?? ""
                throw CommandFailure(
                    message: "the piece at byte \(offset): the server answered \(answer.status): \(text)",
                    hint: "mend the file and go on with --from-byte \(offset)")
            }
        }
    }
}
