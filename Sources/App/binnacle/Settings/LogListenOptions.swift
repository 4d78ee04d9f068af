import ArgumentParser

/// The flags of where log lines come in: one for each key of `SettingKey.logs`.
struct LogListenOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Where syslog comes in, over UDP and TCP: an address and a port, or off.", valueName: "address:port")) var syslogListen: String?
    @Option(name: .customLong("syslog-tls-listen"), help: ArgumentHelp("Where syslog comes in over TLS.", valueName: "address:port")) var syslogTLSListen:
        String?
    @Option(help: ArgumentHelp("A socket to make for local programs, as /dev/log is one.", valueName: "path")) var syslogSocket: String?
    @Option(help: ArgumentHelp("Where Fluentd's and Fluent Bit's forward protocol comes in, or off.", valueName: "address:port")) var forwardListen: String?
    @Option(help: ArgumentHelp("The file with the key that forward's senders must know.", valueName: "file")) var forwardKeyFile: String?
    @Option(name: .customLong("log-tls-certificate"), help: ArgumentHelp("The certificate of syslog over TLS, PEM.", valueName: "file"))
    var certificate: String?
    @Option(name: .customLong("log-tls-key"), help: ArgumentHelp("Its private key, PEM.", valueName: "file")) var key: String?

    /// The flags that were given, by key.
    var given: [(name: String, value: String)] {
        let all: [(String, String?)] = [
            ("syslog-listen", syslogListen), ("syslog-tls-listen", syslogTLSListen), ("syslog-socket", syslogSocket), ("forward-listen", forwardListen),
            ("forward-key-file", forwardKeyFile), ("log-tls-certificate", certificate), ("log-tls-key", key),
        ]
        return all.compactMap { name, value in value.map { (name, $0) } }
    }
}
