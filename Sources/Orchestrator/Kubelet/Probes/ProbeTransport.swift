/// What one probe found.
public enum ProbeOutcome: Hashable, Sendable {
    case success
    /// The container answered, or should have answered, and it was not good. The text goes into the event.
    case failure(String)
    /// The probe itself could not be made; it counts for neither side.
    case unknown(String)

    /// What an HTTP status code means for a probe: 200 to 399 is good.
    public static func http(status code: Int) -> ProbeOutcome {
        (200..<400).contains(code) ? .success : .failure("HTTP probe failed with statuscode: \(code)")
    }
}

/// The network part of probes and lifecycle hooks, which the executable plugs in.
public protocol ProbeTransport: Sendable {
    /// GET `scheme://host:port/path`; the certificate of `https` is not verified; `host` may be overridden by a `Host` field.
    /// Redirects to the same host are followed, others count as success. The body is read up to 10 KiB and thrown away.
    func httpGet(
        host: String, port: Int, path: String, scheme: String, headers: [(name: String, value: String)], timeout: Duration
    ) async -> ProbeOutcome
    /// Connects and closes at once.
    func tcpConnect(host: String, port: Int, timeout: Duration) async -> ProbeOutcome
}
