/// One logical line: cut, with its stamp read and the runtime's parts joined.
struct AssembledLine: Hashable, Sendable {
    var stream: CRILine.Stream
    /// Nanoseconds since 1970: the runtime's stamp, or when it was read.
    var time: Int64
    var text: [UInt8]
    /// Where its first byte is.
    var startFile: Int
    var start: Int64
    /// The number of the file that its last byte is in, and the offset after it.
    var file: Int
    var end: Int64
    /// Longer than the bound, or its end did not come.
    var isTruncated = false
    /// The line is not in the form that its file should have.
    var isUnparsed = false
    /// What the runtime says of it.
    var attributes: [String: String] = [:]
}
