import Objects

/// One record of a container's log file: `2026-11-24T08:48:41.123456789Z stdout F text`.
struct CRILine: Hashable {
    enum Stream: Hashable { case stdout, stderr }
    /// The time as it is written.
    var time: ArraySlice<UInt8>
    var stream: Stream
    /// False if the line goes on in the next record of the same stream.
    var isComplete: Bool
    var text: ArraySlice<UInt8>

    /// - Parameter record: without its newline. Nil if it is no record: a torn one after a crash.
    init?(_ record: ArraySlice<UInt8>) {
        let space = UInt8(ascii: " ")
        guard let first = record.firstIndex(of: space), let second = record[(first + 1)...].firstIndex(of: space) else { return nil }
        time = record[..<first]
        switch record[first + 1..<second].count {
        case 6 where record[first + 1..<second].elementsEqual("stdout".utf8): stream = .stdout
        case 6 where record[first + 1..<second].elementsEqual("stderr".utf8): stream = .stderr
        default: return nil
        }
        // The tag may carry more after a colon.
        let third = record[(second + 1)...].firstIndex(of: space) ?? record.endIndex
        guard let tag = record[second + 1..<third].first else { return nil }
        isComplete = tag == UInt8(ascii: "F")
        text = third < record.endIndex ? record[(third + 1)...] : record[record.endIndex...]
    }

    /// Nanoseconds since 1970.
    var nanoseconds: Int64? { Self.nanoseconds(time) }

    static func nanoseconds(_ text: ArraySlice<UInt8>) -> Int64? {
        let whole = String(decoding: text, as: UTF8.self)
        guard let seconds = RFC3339.parse(whole) else { return nil }
        var fraction: Int64 = 0
        if let point = text.firstIndex(of: UInt8(ascii: ".")) {
            var scale: Int64 = 100_000_000
            for byte in text[(point + 1)...] {
                guard byte &- 0x30 <= 9, scale > 0 else { break }
                fraction += Int64(byte - 0x30) * scale
                scale /= 10
            }
        }
        return seconds * .second + fraction
    }
}
