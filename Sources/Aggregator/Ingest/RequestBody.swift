import Gzip
import HTTP
import Snappy
import Zstd

/// A request's content, unpacked.
enum RequestBody {
    /// By its `Content-Encoding`; never more than `limit` bytes.
    static func unpacked(_ request: HTTPRequest, limit: Int, otherwise encoding: String = "identity") throws(IngestError) -> [UInt8] {
        let encoding = request.fields["Content-Encoding"]?.lowercased() ?? encoding
        let tooLarge = IngestError(413, "the body unpacks to more than \(limit) bytes: send smaller batches")
        switch encoding {
        case "", "identity":
            guard request.body.count <= limit else { throw tooLarge }
            return request.body
        case "snappy":
            do {
                return try Snappy.decompress(request.body, limit: limit)
            } catch {
                if case .tooLarge = error { throw tooLarge }
                throw IngestError(400, "\(error)")
            }
        case "gzip", "x-gzip", "deflate":
            do {
                return try Gzip.decompress(request.body, limit: limit)
            } catch {
                if case .tooLarge = error { throw tooLarge }
                throw IngestError(400, "the body is no gzip: \(error)")
            }
        case "zstd":
            do {
                return try ZstdDecompressor().decompressFrames(request.body, limit: limit)
            } catch {
                if case .tooLarge = error { throw tooLarge }
                throw IngestError(400, "the body is no zstd: \(error)")
            }
        default: throw IngestError(415, "Content-Encoding \(IngestLimits.short(encoding)) is not known; known are snappy, gzip, zstd and identity")
        }
    }
}

/// A `Content-Type`: the type in lower case, and its parameters.
struct MediaType: Hashable {
    var type = ""
    var parameters: [String: String] = [:]

    init(_ text: String?) {
        for (position, part) in (text ?? "").split(separator: ";").enumerated() {
            let part = part.drop { $0 == " " }
            if position == 0 {
                type = part.filter { $0 != " " }.lowercased()
            } else if let equals = part.firstIndex(of: "=") {
                parameters[part[..<equals].lowercased()] = part[part.index(after: equals)...].filter { $0 != "\"" && $0 != " " }
            }
        }
    }
}
