import Gzip
import HTTP

/// Whether an answer is packed for the client that asked, by its `Accept-Encoding` (RFC 9110 section 12.5.3).
enum ContentCoding {
    /// Whether the client takes gzip at least as gladly as an answer that is not packed.
    static func acceptsGzip(_ fields: [String]) -> Bool {
        var gzip: Double?
        var identity: Double?
        var anything: Double?
        for choice in fields.joined(separator: ",").split(separator: ",") {
            let parts = choice.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" }.lowercased() }
            guard let name = parts.first else { continue }
            let weight = parts.dropFirst().first { $0.hasPrefix("q=") }.map { Double($0.dropFirst(2)) ?? 0 } ?? 1
            switch name {
            case "gzip", "x-gzip": gzip = max(gzip ?? 0, weight)
            case "identity": identity = weight
            case "*": anything = weight
            default: break
            }
        }
        let weight = gzip ?? anything ?? 0
        return weight > 0 && weight >= identity ?? 0
    }

    /// Whether packing the content makes it smaller: text is, pictures and archives are packed already.
    static func isCompressible(_ contentType: String?) -> Bool {
        guard let contentType = contentType?.split(separator: ";").first?.lowercased() else { return false }
        if contentType.hasPrefix("text/") || contentType.hasSuffix("+json") || contentType.hasSuffix("+xml") { return true }
        return ["application/json", "application/openmetrics-text", "application/javascript", "application/yaml", "application/x-ndjson"]
            .contains(String(contentType))
    }
}

/// Packs what is written, flushing each piece so that the reader sees it at once.
///
/// The answer's producer may write from several tasks only one after another, as `HTTPBodyWriter` asks.
final class GzipBodyWriter: HTTPBodyWriter {
    private let next: any HTTPBodyWriter
    private let compressor: CompressorBox

    init(_ next: any HTTPBodyWriter, level: Int) {
        self.next = next
        compressor = CompressorBox(level: level)
    }

    func write(_ bytes: [UInt8]) async throws {
        guard !bytes.isEmpty else { return }
        try await next.write(compressor.write(bytes))
    }

    /// The member's trailer; the last write.
    func finish() async throws { try await next.write(compressor.finish()) }
}
