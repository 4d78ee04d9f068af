import Telemetry

/// One physical line of a container's log file, as container runtimes write it (CRI):
///
///     2026-11-24T08:48:41.123456789Z stdout F text
struct CRILine: Hashable {
    enum Stream: Int, Hashable, CaseIterable {
        case stdout, stderr
        var name: String { self == .stdout ? "stdout" : "stderr" }
    }
    /// Nanoseconds since 1970.
    var time: Int64
    var stream: Stream
    /// More of the same logical line follows.
    var isPartial: Bool
    /// Where the text begins.
    var textStart: Int

    /// nil if the line is not of that form. Offsets other than Z and 0 to 9 fraction digits are read; unknown tags after the first are passed over.
    static func parse(_ line: ArraySlice<UInt8>) -> CRILine? {
        // The shortest stamp has 20 bytes, the longest with an offset 35.
        guard let stampEnd = line.prefix(40).firstIndex(of: 0x20), let time = time(line[line.startIndex..<stampEnd]) else { return nil }
        let rest = line[(stampEnd + 1)...]
        guard rest.count >= 8, rest[rest.startIndex + 6] == 0x20 else { return nil }
        let stream: Stream
        if rest.starts(with: [0x73, 0x74, 0x64, 0x6F, 0x75, 0x74]) {
            stream = .stdout
        } else if rest.starts(with: [0x73, 0x74, 0x64, 0x65, 0x72, 0x72]) {
            stream = .stderr
        } else {
            return nil
        }
        let tags = rest[(rest.startIndex + 7)...]
        guard let first = tags.first, first == UInt8(ascii: "P") || first == UInt8(ascii: "F") else { return nil }
        var offset = tags.startIndex + 1
        if offset < tags.endIndex, tags[offset] == UInt8(ascii: ":") {
            while offset < tags.endIndex, tags[offset] != 0x20 { offset += 1 }
        }
        // A blank line may lack the space after its tag.
        guard offset == tags.endIndex || tags[offset] == 0x20 else { return nil }
        return CRILine(time: time, stream: stream, isPartial: first == UInt8(ascii: "P"), textStart: min(offset + 1, tags.endIndex))
    }

    /// `CivilTime.parse` by a shorter way for what all runtimes write in UTC.
    private static func time(_ stamp: ArraySlice<UInt8>) -> Int64? { CivilTime.parse(stamp)?.nanosecondsSinceEpoch }
}
