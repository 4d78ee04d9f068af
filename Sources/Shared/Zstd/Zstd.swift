import CZstd

public enum ZstdError: Error, Hashable, Sendable {
    case failed(String)
    /// The frame would unpack to more than the caller allows.
    case tooLarge(limit: Int)
}

/// Compresses with one reused context (a fresh one costs twice as much, contracts/platform.md). Not Sendable.
@safe public final class ZstdCompressor {
    private let context: OpaquePointer
    public let level: Int

    public init(level: Int) {
        guard let made = unsafe ZSTD_createCCtx() else { preconditionFailure("out of memory") }
        unsafe context = made
        self.level = level
        unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, Int32(level))
    }

    deinit { unsafe ZSTD_freeCCtx(context) }

    /// One frame that records its content's size.
    public func compress(_ bytes: [UInt8]) -> [UInt8] {
        let bound = ZSTD_compressBound(bytes.count)
        return unsafe [UInt8](unsafeUninitializedCapacity: bound) { buffer, used in
            let size = unsafe bytes.withUnsafeBytes {
                unsafe ZSTD_compress2(context, buffer.baseAddress, bound, $0.baseAddress, $0.count)
            }
            // Only a bug can make a frame of compressBound bytes too small or a parameter wrong.
            precondition(ZSTD_isError(size) == 0, "zstd: compression failed")
            used = size
        }
    }
}

/// Unpacks frames with one reused context. Not Sendable.
@safe public final class ZstdDecompressor {
    private let context: OpaquePointer

    public init() {
        guard let made = unsafe ZSTD_createDCtx() else { preconditionFailure("out of memory") }
        unsafe context = made
    }

    deinit { unsafe ZSTD_freeDCtx(context) }

    /// Unpacks one frame that records its content's size, refusing more than `limit` bytes before allocating.
    public func decompress(_ bytes: [UInt8], limit: Int = 64 << 20) throws(ZstdError) -> [UInt8] {
        let size = unsafe bytes.withUnsafeBytes { unsafe ZSTD_getFrameContentSize($0.baseAddress, $0.count) }
        // ZSTD_CONTENTSIZE_UNKNOWN and _ERROR, which Swift does not import.
        guard size < UInt64.max - 1 else { throw .failed("no zstd frame") }
        guard size <= UInt64(limit) else { throw .tooLarge(limit: limit) }
        var failure: String?
        let text = unsafe [UInt8](unsafeUninitializedCapacity: Int(size)) { buffer, used in
            let got = unsafe bytes.withUnsafeBytes {
                unsafe ZSTD_decompressDCtx(context, buffer.baseAddress, Int(size), $0.baseAddress, $0.count)
            }
            if ZSTD_isError(got) != 0 {
                failure = unsafe String(cString: ZSTD_getErrorName(got))
            } else {
                used = got
            }
        }
        if let failure { throw .failed(failure) }
        return text
    }

    /// Unpacks any number of frames that follow one another, whether or not they record their sizes, to at most `limit` bytes.
    /// Takes memory only as content comes out.
    public func decompressFrames(_ bytes: [UInt8], limit: Int) throws(ZstdError) -> [UInt8] {
        unsafe ZSTD_DCtx_reset(context, ZSTD_reset_session_only)
        var text: [UInt8] = []
        var failure: ZstdError?
        let step = ZSTD_DStreamOutSize()
        var consumed = 0
        var isAtEnd = true
        while failure == nil, consumed < bytes.count || !isAtEnd {
            var produced = 0
            let before = consumed
            let piece = unsafe [UInt8](unsafeUninitializedCapacity: step) { buffer, used in
                unsafe bytes.withUnsafeBytes { source in
                    // Both buffers live through the call, and zstd stays within the sizes given here.
                    var input = unsafe ZSTD_inBuffer(src: source.baseAddress, size: source.count, pos: consumed)
                    var output = unsafe ZSTD_outBuffer(dst: buffer.baseAddress, size: step, pos: 0)
                    let result = unsafe ZSTD_decompressStream(context, &output, &input)
                    if ZSTD_isError(result) != 0 { failure = .failed(unsafe String(cString: ZSTD_getErrorName(result))) }
                    isAtEnd = result == 0
                    consumed = unsafe input.pos
                    used = unsafe output.pos
                }
                produced = used
            }
            text.append(contentsOf: piece)
            if text.count > limit { failure = .tooLarge(limit: limit) }
            if failure == nil, produced == 0, consumed == before { failure = .failed("the content ends before its frame does") }
        }
        if let failure { throw failure }
        return text
    }
}
