import HTTP
import Synchronization

/// Keeps what is written.
final class Collected: HTTPBodyWriter {
    private let bytes = Mutex<[UInt8]>([])
    var text: String { String(decoding: bytes.withLock { $0 }, as: UTF8.self) }
    func write(_ more: [UInt8]) async throws { bytes.withLock { $0 += more } }
}
