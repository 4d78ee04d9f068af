import ArgumentParser
import Runtime
import Serving

/// Where `collect` ships log lines to, and how.
struct LogShippingSettings: Sendable, Equatable {
    /// The aggregator's ingest port; empty is that no logs are collected.
    var to = ""
    var config = ""
    /// Where lines wait, and places are kept; empty is `defaultDirectory`.
    var spool = ""
    /// Bytes; nil is the file's, or 1 GB.
    var spoolSize: Int?
    var tokenFile = ""
    /// PEM of who signs the aggregator's certificate; empty is the machine's own authorities.
    var authorityFile = ""

    var isOn: Bool { !to.isEmpty }
    var directory: String { spool.isEmpty ? Self.defaultDirectory : spool }

    static var defaultDirectory: String { "\(Settings.defaultDataDirectory)-collect" }

    static let keys: [CollectKey] = [
        CollectKey(
            name: "logs-to", help: "Where log lines are shipped to: the ingest port of `binnacle aggregate` or `up`. Without it no logs are collected.",
            expected: "an address such as http://10.0.0.5:10251", read: { $0.logs.to },
            write: { settings, text in
                guard text.isEmpty || HTTPAddress(text) != nil else { return false }
                settings.logs.to = text
                return true
            }),
        path("logs-config", "Which logs are collected and what is done with lines: docs/logs-collect.md. Without it, what is on most machines.", \.logs.config),
        path("logs-spool", "The directory in which lines wait while the aggregator is away.", \.logs.spool),
        CollectKey(
            name: "logs-spool-size", help: "What may wait there, packed; then nothing more is read until there is room.",
            expected: "a size of at least 1MB such as 500MB", read: { $0.logs.spoolSize.map(ByteSize.text) ?? "" },
            write: { settings, text in
                guard !text.isEmpty else { return true }
                guard let bytes = ByteSize.parse(text), bytes >= 1 << 20 else { return false }
                settings.logs.spoolSize = bytes
                return true
            }),
        path("logs-token-file", "A file with the bearer token that the aggregator, or what is before it, asks for.", \.logs.tokenFile),
        path("logs-ca-file", "PEM of who signs the aggregator's certificate; the machine's own authorities by default.", \.logs.authorityFile),
    ]

    private static func path(_ name: String, _ help: String, _ path: any WritableKeyPath<CollectSettings, String> & Sendable) -> CollectKey {
        CollectKey(
            name: name, help: help, expected: "a path", read: { $0[keyPath: path] },
            write: { settings, text in
                settings[keyPath: path] = text
                return true
            })
    }
}

/// The flags of these keys.
struct LogShippingOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Where log lines are shipped to: the ingest port of `binnacle aggregate` or `up`.", valueName: "url")) var logsTo: String?
    @Option(help: ArgumentHelp("Which logs are collected and what is done with lines; what is on most machines by default.", valueName: "file"))
    var logsConfig: String?
    @Option(help: ArgumentHelp("The directory in which lines wait while the aggregator is away.", valueName: "dir")) var logsSpool: String?
    @Option(help: ArgumentHelp("What may wait there, packed.", valueName: "size")) var logsSpoolSize: String?
    @Option(help: ArgumentHelp("A file with the bearer token that the aggregator asks for.", valueName: "file")) var logsTokenFile: String?
    @Option(help: ArgumentHelp("PEM of who signs the aggregator's certificate.", valueName: "file")) var logsCaFile: String?

    /// By the key's name; nil where a flag was not given.
    var given: [(String, String?)] {
        [
            ("logs-to", logsTo), ("logs-config", logsConfig), ("logs-spool", logsSpool), ("logs-spool-size", logsSpoolSize),
            ("logs-token-file", logsTokenFile), ("logs-ca-file", logsCaFile),
        ]
    }
}
