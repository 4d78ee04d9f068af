import HTTP
import JSON
import Telemetry

/// What a scrape tells the target about itself, and the right it shows.
enum ScrapeHeaders {
    static func request(_ target: ScrapeTarget, _ configuration: ScrapeConfiguration, read: (String) throws -> [UInt8]) throws -> ScrapeRequest {
        var fields: HTTPFields = [
            "Accept": accept(configuration.wantsNativeHistograms), "User-Agent": "Binnacle",
            "X-Prometheus-Scrape-Timeout-Seconds": seconds(target.timeout),
        ]
        fields.add("Accept-Encoding", configuration.compresses ? "gzip" : "identity")
        for (name, value) in configuration.headers { fields.add(name, value) }
        if let value = try authorization(configuration.authorization, read: read) { fields["Authorization"] = value }
        return ScrapeRequest(
            url: target.url, fields: fields, timeout: target.timeout, bodyBytesLimit: configuration.bodyBytesLimit, tls: configuration.tls)
    }

    /// The forms that are understood, the best first. The text form loses least time, but says less.
    static func accept(_ wantsProtobuf: Bool) -> String {
        let text =
            "application/openmetrics-text;version=1.0.0;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
        return (wantsProtobuf ? "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7," : "") + text
    }

    static func authorization(_ authorization: ScrapeConfiguration.Authorization, read: (String) throws -> [UInt8]) throws -> String? {
        switch authorization {
        case .none: nil
        case .basic(let user, let password): basic(user, password)
        case .credentials(let value): value
        case .basicFile(let user, let path): basic(user, trimmed(try read(path)))
        case .credentialsFile(let type, let path): "\(type) \(trimmed(try read(path)))"
        }
    }

    private static func trimmed(_ bytes: [UInt8]) -> String {
        var text = String(decoding: bytes, as: UTF8.self)
        while text.last?.isWhitespace == true { text.removeLast() }
        return text
    }

    private static func basic(_ user: String, _ password: String) -> String { "Basic " + Base64.encode("\(user):\(password)".utf8) }

    private static func seconds(_ duration: Duration) -> String {
        let milliseconds = duration.wholeMilliseconds
        return milliseconds % 1000 == 0 ? "\(milliseconds / 1000)" : "\(Double(milliseconds) / 1000)"
    }
}
