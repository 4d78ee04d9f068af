/// Where lines of other programs come in beside HTTP: the same keys for `up` and `aggregate`.
struct LogListenSettings: Sendable {
    /// An address to listen on.
    struct Endpoint: Hashable, Sendable {
        var host: String
        var port: Int
        /// A person asked for it, so that it is an error if it cannot be had.
        var isChosen = true
    }

    /// UDP and TCP.
    var syslog: Endpoint? = Endpoint(host: "127.0.0.1", port: 5140, isChosen: false)
    var syslogTLS: Endpoint?
    /// A datagram socket in the file system.
    var syslogSocket: String?
    var forward: Endpoint? = Endpoint(host: "127.0.0.1", port: 24_224, isChosen: false)
    /// The file that holds the key which senders of the forward protocol must know.
    var forwardKeyFile: String?
    /// PEM files, for syslog over TLS.
    var certificateFile: String?
    var keyFile: String?
}

extension LogListenSettings.Endpoint {
    /// `ADDRESS:PORT`.
    init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]), (1...65_535).contains(port), colon > text.startIndex
        else { return nil }
        self.init(host: text[..<colon].filter { $0 != "[" && $0 != "]" }, port: port)
    }

    var text: String { "\(host):\(port)" }
}

extension SettingKey {
    static let logs: [SettingKey] = [
        path("logs-config", "Which logs are collected beside our pods', and what is done with lines: docs/logs-collect.md.", \.logsConfig),
        endpoint("syslog-listen", "Where syslog comes in, over UDP and TCP.", \.logListen.syslog),
        endpoint("syslog-tls-listen", "Where syslog comes in over TLS.", \.logListen.syslogTLS),
        path("syslog-socket", "A socket to make for local programs, as /dev/log is one.", \.logListen.syslogSocket),
        endpoint("forward-listen", "Where Fluentd's and Fluent Bit's forward protocol comes in.", \.logListen.forward),
        path("forward-key-file", "The file with the key that forward's senders must know.", \.logListen.forwardKeyFile),
        path("log-tls-certificate", "The certificate of syslog over TLS, PEM.", \.logListen.certificateFile),
        path("log-tls-key", "Its private key, PEM.", \.logListen.keyFile),
    ]

    private static func endpoint(
        _ name: String, _ help: String, _ path: any WritableKeyPath<Settings, LogListenSettings.Endpoint?> & Sendable
    ) -> SettingKey {
        SettingKey(
            name: name, help: help, expected: "an address and a port such as 0.0.0.0:5140, or off", read: { $0[keyPath: path]?.text ?? "off" },
            write: { settings, text in
                guard text != "off" else {
                    settings[keyPath: path] = nil
                    return true
                }
                guard let endpoint = LogListenSettings.Endpoint(text) else { return false }
                settings[keyPath: path] = endpoint
                return true
            })
    }

    private static func path(_ name: String, _ help: String, _ path: any WritableKeyPath<Settings, String?> & Sendable) -> SettingKey {
        SettingKey(
            name: name, help: help, expected: "a path", read: { $0[keyPath: path] ?? "" },
            write: { settings, text in
                settings[keyPath: path] = text.isEmpty ? nil : text
                return true
            })
    }
}
