import Synchronization
import Zstd

/// Decompressors for whoever reads: a fresh one costs as much as a small column does to unpack.
enum Decompressors {
    /// Only ever in one pair of hands: in the list, or lent.
    private final class Loan: @unchecked Sendable {
        let decompressor = ZstdDecompressor()
    }
    private static let idle = Mutex<[Loan]>([])
    /// More are made while they are needed, and dropped after.
    private static let maximumIdle = 8

    static func lend<Result>(_ body: (ZstdDecompressor) throws(CodingError) -> Result) throws(CodingError) -> Result {
        let loan = idle.withLock { $0.popLast() } ?? Loan()
        defer { idle.withLock { if $0.count < maximumIdle { $0.append(loan) } } }
        return try body(loan.decompressor)
    }
}
