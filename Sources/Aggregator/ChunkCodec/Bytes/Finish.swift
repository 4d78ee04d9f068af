/// A general compressor for payloads in which a column codec left something to find. Injected, so that
/// this target stays pure Swift; the store brings zstd.
public struct Finish {
    var compress: ([UInt8]) -> [UInt8]
    /// Unpacks, refusing more than the given number of bytes; nil if the input is damaged.
    var decompress: ([UInt8], Int) -> [UInt8]?

    public init(compress: @escaping ([UInt8]) -> [UInt8], decompress: @escaping ([UInt8], Int) -> [UInt8]?) {
        self.compress = compress
        self.decompress = decompress
    }
}
