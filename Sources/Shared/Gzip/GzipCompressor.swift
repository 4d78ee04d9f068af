import CZlib

/// Packs a stream of bytes as gzip (RFC 1952), with one reused state. Not Sendable.
@safe public final class GzipCompressor {
    /// zlib keeps the address of the stream in its state, so it must not move.
    private let stream: UnsafeMutablePointer<z_stream>

    /// `level` 1 to 9; 1 packs a page of metrics at about 100 MB/s of CPU to a tenth.
    public init(level: Int = 1) {
        unsafe stream = .allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        // 15 bits of window; 16 more ask for the gzip wrapper.
        let result = unsafe binnacle_deflateInit(stream, Int32(level), 15 + 16)
        precondition(result == Z_OK, "zlib: out of memory")
    }

    deinit {
        unsafe deflateEnd(stream)
        unsafe stream.deallocate()
    }

    /// All of `bytes` as one gzip member.
    public func compress(_ bytes: [UInt8]) -> [UInt8] {
        unsafe deflateReset(stream)
        return push(bytes, Z_FINISH)
    }

    /// The next piece of a stream, flushed so that the reader can unpack all that was given.
    public func write(_ bytes: [UInt8]) -> [UInt8] { push(bytes, Z_SYNC_FLUSH) }

    /// The end of a stream begun with `write`. The next `write` begins another.
    public func finish() -> [UInt8] {
        let end = push([], Z_FINISH)
        unsafe deflateReset(stream)
        return end
    }

    private func push(_ bytes: [UInt8], _ flush: Int32) -> [UInt8] {
        var packed: [UInt8] = []
        var source = bytes
        unsafe source.withUnsafeMutableBufferPointer { input in
            unsafe stream.pointee.next_in = input.baseAddress
            unsafe stream.pointee.avail_in = UInt32(input.count)
            let step = max(256, min(input.count / 4 + 64, 256 << 10))
            repeat {
                let piece = unsafe [UInt8](unsafeUninitializedCapacity: step) { output, used in
                    unsafe stream.pointee.next_out = output.baseAddress
                    unsafe stream.pointee.avail_out = UInt32(step)
                    _ = unsafe deflate(stream, flush)
                    used = unsafe step - Int(stream.pointee.avail_out)
                }
                packed.append(contentsOf: piece)
            } while unsafe stream.pointee.avail_out == 0
        }
        return packed
    }
}
