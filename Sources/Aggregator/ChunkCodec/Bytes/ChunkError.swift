/// Why bytes from a file were refused. Nothing that is read from disk may trap.
public enum ChunkError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The bytes end inside an item that began at `offset`.
    case truncated(offset: Int)
    /// A variable-length number at `offset` does not fit into 64 bits.
    case overlong(offset: Int)
    /// The bytes break a rule of docs/formats/series.md.
    case malformed(String)
    case checksum(stored: UInt32, computed: UInt32)
    /// Written by a newer Binnacle.
    case newerVersion(UInt8)

    public var description: String {
        switch self {
        case .truncated(let offset): "the bytes end inside the item at offset \(offset)"
        case .overlong(let offset): "the number at offset \(offset) does not fit into 64 bits"
        case .malformed(let reason): reason
        case .checksum(let stored, let computed):
            "the checksum is \(String(computed, radix: 16)) where \(String(stored, radix: 16)) was written"
        case .newerVersion(let version): "the part has format version \(version), newer than this program's \(Part.version)"
        }
    }
}
