import CZlib

public enum GzipError: Error, Hashable, Sendable {
    /// Not gzip, or damaged.
    case corrupt(String)
    /// The content ends before the member does.
    case truncated
    /// The content would be longer than the caller allows.
    case tooLarge(limit: Int)
}

public enum Gzip {
    /// Unpacks gzip or zlib content, whose members may follow one another, to at most `limit` bytes.
    public static func decompress(_ bytes: [UInt8], limit: Int = 64 << 20) throws(GzipError) -> [UInt8] {
        let decompressor = GzipDecompressor()
        let text = try decompressor.write(bytes, limit: limit)
        guard decompressor.isAtEnd else { throw .truncated }
        return text
    }
}

/// Unpacks a stream of gzip or zlib content piece by piece. Not Sendable.
@safe public final class GzipDecompressor {
    /// zlib keeps the address of the stream in its state, so it must not move.
    private let stream: UnsafeMutablePointer<z_stream>
    /// Whether the last member is complete.
    public private(set) var isAtEnd = false

    public init() {
        unsafe stream = .allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        // 32 more than the window's bits: look at the header to tell gzip from zlib.
        let result = unsafe binnacle_inflateInit(stream, 15 + 32)
        precondition(result == Z_OK, "zlib: out of memory")
    }

    deinit {
        unsafe inflateEnd(stream)
        unsafe stream.deallocate()
    }

    /// The content of the next piece; refuses more than `limit` bytes of it.
    public func write(_ bytes: [UInt8], limit: Int) throws(GzipError) -> [UInt8] {
        var text: [UInt8] = []
        var failure: GzipError?
        var source = bytes
        unsafe source.withUnsafeMutableBufferPointer { input in
            unsafe stream.pointee.next_in = input.baseAddress
            unsafe stream.pointee.avail_in = UInt32(input.count)
            while failure == nil {
                if isAtEnd {
                    // Another member follows, or the content ends here.
                    guard unsafe stream.pointee.avail_in > 0 else { return }
                    unsafe inflateReset(stream)
                    isAtEnd = false
                }
                let step = 64 << 10
                var result: Int32 = Z_OK
                let piece = unsafe [UInt8](unsafeUninitializedCapacity: step) { output, used in
                    unsafe stream.pointee.next_out = output.baseAddress
                    unsafe stream.pointee.avail_out = UInt32(step)
                    result = unsafe inflate(stream, Z_NO_FLUSH)
                    used = unsafe step - Int(stream.pointee.avail_out)
                }
                text.append(contentsOf: piece)
                if text.count > limit { failure = .tooLarge(limit: limit) }
                switch result {
                case Z_STREAM_END: isAtEnd = true
                case Z_OK: break
                case Z_BUF_ERROR: return
                default: failure = .corrupt(unsafe stream.pointee.msg.map { unsafe String(cString: $0) } ?? "zlib error \(result)")
                }
                if result == Z_OK, unsafe stream.pointee.avail_in == 0, unsafe stream.pointee.avail_out > 0 { return }
            }
        }
        if let failure { throw failure }
        return text
    }
}
