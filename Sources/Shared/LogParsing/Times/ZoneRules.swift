/// When a place's clocks were set how: a time zone of the IANA database, from its compiled form (TZif, RFC 9636).
public struct ZoneRules: Hashable, Sendable {
    /// Unix seconds of each change, ascending, and the seconds east of Greenwich from then on.
    private var changes: [Int64] = []
    private var offsets: [Int] = []
    /// Before the first change.
    private var initial = 0
    /// After the last change.
    private var rule: ZoneRule?

    public static let utc = ZoneRules(fixed: 0)

    /// A zone without changes.
    public init(fixed seconds: Int) { initial = seconds }

    /// The zone of this name (`Europe/Berlin`), whose file `read` gets from a directory such as /usr/share/zoneinfo;
    /// nil if the name is no zone's. A name cannot leave the directory.
    public init?(named name: String, read: (String) -> [UInt8]?) {
        if name == "UTC" || name == "Etc/UTC" {
            self = .utc
            return
        }
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        let isSafe = parts.allSatisfy { part in
            !part.isEmpty && part != "." && part != ".."
                && part.utf8.allSatisfy { ($0 | 0x20) &- 97 < 26 || $0 &- 48 < 10 || "_-+.".utf8.contains($0) }
        }
        guard isSafe, name.utf8.count < 64, let bytes = read(name) else { return nil }
        self.init(tzif: bytes)
    }

    /// nil if the bytes are no zone file.
    public init?(tzif bytes: [UInt8]) {
        guard bytes.count < 1 << 20, let first = Header(bytes, at: 0) else { return nil }
        guard first.version >= 2 else {
            guard read(bytes, first, timeBytes: 4) != nil else { return nil }
            return
        }
        guard let second = Header(bytes, at: first.end(timeBytes: 4)), let end = read(bytes, second, timeBytes: 8) else { return nil }
        // The footer: a rule for the time after the last change, between line feeds.
        let footer = bytes[min(end + 1, bytes.count)...].prefix { $0 != 0x0A }
        rule = ZoneRule(String(decoding: footer, as: UTF8.self))
    }

    private struct Header {
        let start: Int
        let version: Int
        let counts: [Int]

        init?(_ bytes: [UInt8], at start: Int) {
            guard start >= 0, start + 44 <= bytes.count, bytes[start..<start + 4].elementsEqual("TZif".utf8) else { return nil }
            self.start = start
            version = bytes[start + 4] == 0 ? 1 : Int(bytes[start + 4]) - 48
            // isutcnt, isstdcnt, leapcnt, timecnt, typecnt, charcnt.
            counts = (0..<6).map { field in
                bytes[(start + 20 + field * 4)..<(start + 24 + field * 4)].reduce(0) { $0 << 8 | Int($1) }
            }
            guard counts.allSatisfy({ $0 < 1 << 20 }), counts[4] > 0 else { return nil }
        }

        func end(timeBytes: Int) -> Int {
            start + 44 + counts[3] * (timeBytes + 1) + counts[4] * 6 + counts[5] + counts[2] * (timeBytes + 4) + counts[1] + counts[0]
        }
    }

    /// Reads one block and returns where it ends.
    private mutating func read(_ bytes: [UInt8], _ header: Header, timeBytes: Int) -> Int? {
        let end = header.end(timeBytes: timeBytes)
        guard end <= bytes.count else { return nil }
        let (timeCount, typeCount) = (header.counts[3], header.counts[4])
        let times = header.start + 44
        let indices = times + timeCount * timeBytes
        let types = indices + timeCount
        func offset(ofType type: Int) -> Int {
            let at = types + type * 6
            return Int(Int32(bitPattern: bytes[at..<at + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }))
        }
        for change in 0..<timeCount {
            let at = times + change * timeBytes
            let raw = bytes[at..<at + timeBytes].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            let type = Int(bytes[indices + change])
            guard type < typeCount else { return nil }
            changes.append(timeBytes == 8 ? Int64(bitPattern: raw) : Int64(Int32(bitPattern: UInt32(raw))))
            offsets.append(offset(ofType: type))
        }
        guard zip(changes, changes.dropFirst()).allSatisfy({ $0 < $1 }) else { return nil }
        initial = offset(ofType: 0)
        return end
    }

    /// Seconds east of Greenwich at an instant in Unix seconds.
    public func offset(at instant: Int64) -> Int {
        guard let last = changes.last else { return rule?.offset(at: instant) ?? initial }
        if instant >= last, let rule { return rule.offset(at: instant) }
        var (low, high) = (0, changes.count)
        while low < high {
            let middle = (low + high) / 2
            if changes[middle] <= instant { low = middle + 1 } else { high = middle }
        }
        return low == 0 ? initial : offsets[low - 1]
    }

    /// The Unix seconds at which this zone's clocks show `local` (a civil time reckoned as if it were UTC). Of two, when
    /// clocks are set back, the one nearest to `near`. A time that is skipped when clocks are set forward is read as
    /// if they had not been.
    public func instant(local: Int64, near: Int64) -> Int64 {
        let before = offset(at: local - 86_400)
        let candidates = Set([before, offset(at: local + 86_400)]).map { (offset: $0, instant: local - Int64($0)) }
            .filter { offset(at: $0.instant) == $0.offset }
        return candidates.min { abs($0.instant - near) < abs($1.instant - near) }?.instant ?? local - Int64(before)
    }
}
