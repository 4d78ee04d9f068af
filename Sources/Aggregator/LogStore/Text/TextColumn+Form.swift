/// How a column of texts is laid down.
enum TextForm: UInt8, Sendable {
    /// All alike.
    case constant = 0
    /// Each distinct text once, and for each row its number.
    case dictionary = 1
    /// Templates: literals and gaps, with a column for each gap.
    case templates = 2
    /// One after another.
    case plain = 3
    /// Decimal digits without leading zeros.
    case number = 4
    /// Decimal digits of one width.
    case padded = 5
    case lowerHex = 6
    case upperHex = 7
    case uuid = 8
    case address = 9
    case time = 10
    /// A time, as its distance from the record's own.
    case relativeTime = 11
}

/// The bytes of columns: small ones lie together, each larger one is a segment of its own.
///
/// The tree that says what the columns mean names them in order, so a reference is a length and a bit.
struct ColumnWriter {
    /// Columns that are shorter than this lie together.
    static let smallBytes = 1024

    var tree = ByteWriter()
    private(set) var small: [UInt8] = []
    private(set) var segments: [[UInt8]] = []

    mutating func add(_ bytes: [UInt8]) {
        if bytes.count < Self.smallBytes {
            tree.count(bytes.count << 1)
            small.append(contentsOf: bytes)
        } else {
            tree.count(bytes.count << 1 | 1)
            segments.append(bytes)
        }
    }
}

/// Where a column's bytes are.
enum ColumnReference: Sendable {
    case small(Range<Int>)
    case segment(number: Int, count: Int)
}
