/// A mail server as `smarthost` names it: `host:port`, an IPv6 address in brackets.
public struct SMTPAddress: Sendable, Hashable {
    public var host: String
    public var port: Int

    /// Nil if the text is no such address.
    public init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]), (1...65_535).contains(port) else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() } else if host.contains(":") { return nil }
        guard !host.isEmpty else { return nil }
        self.host = String(host)
        self.port = port
    }
}
