/// Why bytes are no snappy block, or none that is accepted.
public enum SnappyError: Error, Hashable, Sendable, CustomStringConvertible {
    case corrupt(String)
    /// The block says that it unpacks to more than the caller allows.
    case tooLarge(announced: UInt64, limit: Int)

    public var description: String {
        switch self {
        case .corrupt(let reason): "no snappy block: \(reason)"
        case .tooLarge(let announced, let limit): "the snappy block unpacks to \(announced) bytes, the limit is \(limit)"
        }
    }
}

/// Google's snappy in its block form, as Prometheus remote write has it; the framed form is not needed.
///
/// A block is the content's length as a varint, then elements by the two low bits of their first byte: 0 a literal,
/// 1, 2 and 3 copies of earlier content with offsets of 11, 16 and 32 bits.
/// (Format: github.com/google/snappy, format_description.txt.)
public enum Snappy {
    /// No element of at most 3 bytes yields more than 64 bytes, so a block cannot honestly announce more than this
    /// many times its own size. Checked before memory is taken.
    static let maximumRatio = 22

    /// Unpacks a block to at most `limit` bytes. Takes memory only for a length that the block's size can back.
    public static func decompress(_ block: [UInt8], limit: Int = 64 << 20) throws(SnappyError) -> [UInt8] {
        var offset = 0
        let announced = try length(block, &offset)
        guard announced <= UInt64(limit) else { throw .tooLarge(announced: announced, limit: limit) }
        guard announced <= UInt64(block.count * maximumRatio) else {
            throw .corrupt("\(block.count) bytes cannot hold the \(announced) that are announced")
        }
        var failure: String?
        let content = unsafe [UInt8](unsafeUninitializedCapacity: Int(announced)) { output, used in
            unsafe block.withUnsafeBufferPointer { input in
                failure = unsafe unpack(input, from: offset, into: output, count: Int(announced))
            }
            used = failure == nil ? Int(announced) : 0
        }
        if let failure { throw .corrupt(failure) }
        return content
    }

    private static func length(_ block: [UInt8], _ offset: inout Int) throws(SnappyError) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), through: 28, by: 7) {
            guard offset < block.count else { throw .corrupt("it ends within its length") }
            let byte = block[offset]
            offset += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 {
                guard value <= UInt64(UInt32.max) else { throw .corrupt("its length has more than 32 bits") }
                return value
            }
        }
        throw .corrupt("its length has more than 32 bits")
    }

    /// Fills `output` with `count` bytes; returns what is wrong, nil if nothing is.
    ///
    /// Invariant: reads stay below `input.count` and writes below `count`; every element is checked against both first.
    private static func unpack(
        _ input: UnsafeBufferPointer<UInt8>, from start: Int, into output: UnsafeMutableBufferPointer<UInt8>, count: Int
    ) -> String? {
        guard let source = input.baseAddress else { return "it is empty" }
        guard count > 0, let target = output.baseAddress else { return start == input.count ? nil : "content beyond its length" }
        var read = start
        var written = 0
        let end = input.count
        while read < end {
            let tag = unsafe source[read]
            read += 1
            if tag & 3 == 0 {
                var length = Int(tag >> 2)
                if length >= 60 {
                    let extra = length - 59
                    guard end - read >= extra else { return "it ends within a literal's length" }
                    length = 0
                    for position in 0..<extra { length |= unsafe Int(source[read + position]) << (8 * position) }
                    read += extra
                }
                length += 1
                guard length <= end - read else { return "a literal runs past its end" }
                guard length <= count - written else { return "content beyond its length" }
                if length <= 16, end - read >= 16, count - written >= 16 {
                    // Two fixed moves are quicker than a call; what is too much is written over by what follows.
                    unsafe move16(from: source + read, to: target + written)
                } else {
                    unsafe (target + written).update(from: source + read, count: length)
                }
                read += length
                written += length
                continue
            }
            let length: Int
            let distance: Int
            switch tag & 3 {
            case 1:
                guard end - read >= 1 else { return "it ends within a copy" }
                length = Int(tag >> 2 & 7) + 4
                distance = unsafe Int(tag >> 5) << 8 | Int(source[read])
                read += 1
            case 2:
                guard end - read >= 2 else { return "it ends within a copy" }
                length = Int(tag >> 2) + 1
                distance = unsafe Int(source[read]) | Int(source[read + 1]) << 8
                read += 2
            default:
                guard end - read >= 4 else { return "it ends within a copy" }
                length = Int(tag >> 2) + 1
                distance = unsafe Int(source[read]) | Int(source[read + 1]) << 8 | Int(source[read + 2]) << 16 | Int(source[read + 3]) << 24
                read += 4
            }
            guard distance > 0, distance <= written else { return "a copy from before its start" }
            guard length <= count - written else { return "content beyond its length" }
            unsafe copy(target, at: written, distance: distance, length: length, room: count - written)
            written += length
        }
        return written == count ? nil : "less content than its length"
    }

    @inline(__always)
    private static func move16(from source: UnsafePointer<UInt8>, to target: UnsafeMutablePointer<UInt8>) {
        let low = unsafe UnsafeRawPointer(source).loadUnaligned(as: UInt64.self)
        let high = unsafe UnsafeRawPointer(source + 8).loadUnaligned(as: UInt64.self)
        unsafe UnsafeMutableRawPointer(target).storeBytes(of: low, as: UInt64.self)
        unsafe UnsafeMutableRawPointer(target + 8).storeBytes(of: high, as: UInt64.self)
    }

    /// Repeats `length` bytes from `distance` before `position`; the two may overlap, which repeats a pattern.
    @inline(__always)
    private static func copy(_ target: UnsafeMutablePointer<UInt8>, at position: Int, distance: Int, length: Int, room: Int) {
        if distance >= 16, room >= 64 + 16 {
            // A copy has at most 64 bytes; sources lie wholly before each move of 16.
            var done = 0
            while done < length {
                unsafe move16(from: target + (position + done - distance), to: target + (position + done))
                done += 16
            }
            return
        }
        for index in 0..<length { unsafe target[position + index] = unsafe target[position + index - distance] }
    }
}
