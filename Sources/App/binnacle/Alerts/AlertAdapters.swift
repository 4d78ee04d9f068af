import Alerting
import HTTP
import JSON
import Runtime
import SeriesStore
import Serving
import Telemetry

/// Rules' results into the series store.
struct StoredRuleSamples: RuleSampleSink {
    let store: SeriesStore

    func append(_ samples: [RuleSample], at time: Timestamp) async throws {
        try await store.write(samples.map { SeriesBatch(labels: $0.labels, samples: [.init(time.milliseconds, $0.value)]) })
    }
}

/// Alerts over the program's HTTP client.
struct NetworkAlertPoster: AlertPoster {
    static let timeout = Duration.seconds(10)

    func post(_ url: String, body: [UInt8], contentType: String) async throws -> Int {
        guard let address = HTTPAddress(url) else { throw ServingError.failed("\(url) is no http or https address") }
        var client = HTTPClient()
        client.maximumBodyBytes = 64 << 10
        if address.isTLS { client.trust = .hosts(try HostFileSystem().text("/etc/ssl/certs/ca-certificates.crt")) }
        return try await client.send("POST", address, fields: ["Content-Type": contentType], body: body, timeout: Self.timeout).status
    }
}

/// Alerts by mail and by programs.
struct AlertMessages: AlertMessenger {
    let clock: any WallClock

    func mail(_ word: Notification, to email: Receiver.Email, policy: NotificationPolicy) async throws {
        guard let server = SMTPAddress(email.smarthost) else { throw ServingError.failed("\(email.smarthost) is no host:port") }
        var client = SMTPClient(host: server.host, port: server.port)
        client.username = email.username
        client.requiresTLS = email.requiresTLS
        if !email.passwordFile.isEmpty {
            // Read each time, so that a password that was changed is used without a restart.
            let text = try HostFileSystem().text(email.passwordFile)
            client.password = String(text.prefix { $0 != "\n" && $0 != "\r\n" })
        }
        var generator = SystemRandomNumberGenerator()
        let letter = AlertLetter.message(
            word, from: email.from, to: email.to, policy: policy, at: clock.now,
            identity: "\(clock.now.milliseconds).\(String(generator.next() as UInt64, radix: 36))")
        try await client.send(from: email.from, to: email.to, message: letter)
    }

    func run(_ command: [String], input: [UInt8]) async throws { try await AlertProgram.run(command, input: input) }
}
