import Gzip
import Synchronization

/// A compressor that may travel between the tasks of one answer. 268 kB of zlib's state while it lives.
final class CompressorBox: Sendable {
    private let compressor: Mutex<GzipCompressor>

    init(level: Int) { compressor = Mutex(GzipCompressor(level: level)) }

    func compress(_ bytes: [UInt8]) -> [UInt8] { compressor.withLock { $0.compress(bytes) } }
    func write(_ bytes: [UInt8]) -> [UInt8] { compressor.withLock { $0.write(bytes) } }
    func finish() -> [UInt8] { compressor.withLock { $0.finish() } }
}
