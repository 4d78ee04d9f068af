import Gzip
import Runtime
import Synchronization

/// A compressed log file as if it were not: bytes by their place in the content. It is read forwards; going back begins again.
final class GzipFile: ReadableFile {
    /// The content before it is needed: bounded, whatever the file claims.
    private static let stepBytes = 64 << 10
    private static let windowBytes = 4 << 20

    /// Owned by whoever holds the lock around it.
    private struct State: @unchecked Sendable {
        var decompressor = GzipDecompressor()
        var packedOffset: Int64 = 0
        /// Content from `start` on.
        var window: [UInt8] = []
        var start: Int64 = 0
        var isAtEnd = false
    }

    private let file: any ReadableFile
    private let state = Mutex(State())

    init(_ file: any ReadableFile) { self.file = file }

    /// The size is at least one more than what was unpacked until the end is reached.
    func status() throws(FileError) -> FileStatus {
        var status = try file.status()
        status.size = state.withLock { $0.start + Int64($0.window.count) + ($0.isAtEnd ? 0 : 1) }
        return status
    }

    func read(at offset: Int64, count: Int) throws(FileError) -> [UInt8] {
        let result: Result<[UInt8], FileError> = state.withLock { state in
            if offset < state.start { state = State() }
            do throws(FileError) {
                while !state.isAtEnd, state.start + Int64(state.window.count) < offset + Int64(count) {
                    try advance(&state)
                    // What lies before is not kept.
                    let excess = min(Int(offset - state.start), state.window.count)
                    if excess > 0 {
                        state.window.removeFirst(excess)
                        state.start += Int64(excess)
                    }
                }
            } catch {
                return .failure(error)
            }
            let from = Int(offset - state.start)
            guard from >= 0, from < state.window.count else { return .success([]) }
            return .success(Array(state.window[from..<min(state.window.count, from + count)]))
        }
        return try result.get()
    }

    private func advance(_ state: inout State) throws(FileError) {
        // A small step of packed bytes: a bomb's step unpacks to at most a thousand times as much.
        let packed = try file.read(at: state.packedOffset, count: 4096)
        guard !packed.isEmpty else {
            state.isAtEnd = true
            return
        }
        state.packedOffset += Int64(packed.count)
        do throws(GzipError) {
            state.window += try state.decompressor.write(packed, limit: 16 << 20)
        } catch {
            // Damaged: what was read so far is kept, the rest is lost.
            state.isAtEnd = true
            throw FileError("unpack", "a rotated log file", code: 74)
        }
    }
}
