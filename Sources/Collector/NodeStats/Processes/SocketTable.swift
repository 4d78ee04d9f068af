import Glibc
import Runtime

/// Counts the rows of one of the kernel's socket tables (`net/tcp`, `net/udp6`, ...), which may be very long: a machine
/// with 100,000 connections has 15 MB of them. It reads as many bytes a round as it is given and goes on there in the
/// next, so that its counts are those of a whole table, only older.
struct SocketTable {
    enum Kind { case tcp, udp }

    /// What a whole reading of the table counted.
    struct Counts: Equatable {
        /// TCP: by the kernel's state numbers 1 to 11.
        var states = [UInt64](repeating: 0, count: NetworkReading.tcpStates.count)
        var rows: UInt64 = 0
        var receiveQueued: UInt64 = 0
        var transmitQueued: UInt64 = 0
        var dropped: UInt64 = 0

        /// Adds the row that starts at `offset`: `sl local rem st tx:rx ...`, all numbers but the last column hexadecimal.
        /// The heading, which has no state, is no row.
        mutating func add(_ kind: Kind, _ bytes: [UInt8], _ end: Int, _ start: Int) {
            var offset = start
            for _ in 0..<3 where ByteText.field(bytes, end, &offset) == nil { return }
            ByteText.skipSpaces(bytes, end, &offset)
            guard let state = ByteText.hexadecimal(bytes, end, &offset), offset < end, bytes[offset] == ByteText.space else { return }
            rows += 1
            switch kind {
            case .tcp:
                // 12 (a request sock) is printed as 3, SYN_RECV, by the kernel itself.
                if state >= 1, state <= UInt64(states.count) { states[Int(state) - 1] += 1 }
            case .udp:
                ByteText.skipSpaces(bytes, end, &offset)
                transmitQueued &+= ByteText.hexadecimal(bytes, end, &offset) ?? 0
                if offset < end, bytes[offset] == UInt8(ascii: ":") {
                    offset += 1
                    receiveQueued &+= ByteText.hexadecimal(bytes, end, &offset) ?? 0
                }
                dropped &+= lastNumber(bytes, end, offset)
            }
        }

        private func lastNumber(_ bytes: [UInt8], _ end: Int, _ start: Int) -> UInt64 {
            var offset = start
            var last: Range<Int>?
            while let field = ByteText.field(bytes, end, &offset) { last = field }
            guard var position = last?.lowerBound else { return 0 }
            return ByteText.decimal(bytes, end, &position) ?? 0
        }
    }

    let kind: Kind
    /// The counts of the newest whole reading; nil before the first.
    private(set) var counts: Counts?
    private var partial = Counts()
    /// Where the next row starts in the file.
    private var position = 0

    private static let page = 4096
    private static let slack = 512

    init(_ kind: Kind) { self.kind = kind }

    /// The table is known to be empty, without a look at it.
    mutating func takeEmpty() {
        restart()
        counts = Counts()
    }

    enum Outcome { case whole, cut, failed }

    /// Reads on, at most `budget` bytes, of which it takes off what it read. `pread` is the file: it fills the buffer
    /// from `offset` of it on and returns the bytes read, 0 at the end, a negative number when it fails.
    mutating func read(budget: inout Int, buffer: inout [UInt8], pread: (inout [UInt8], _ offset: Int, _ limit: Int) -> Int) -> Outcome {
        while budget > 0 {
            let limit = min(buffer.count, max(budget, 1024))
            let got = pread(&buffer, position, limit)
            guard got >= 0 else {
                restart()
                return .failed
            }
            budget -= got
            if got == 0 { return finish() }
            let used = consume(buffer, got)
            // A row longer than the buffer, or a last one without its newline.
            if used == 0 { return finish() }
            position += used
            // The kernel fills a page, or what was asked for, as far as whole rows of 150 bytes fit: less is the end. To
            // read on to find that out costs as much as the whole table: it goes over all buckets of the machine.
            if got < min(limit, Self.page) - Self.slack { return finish() }
        }
        return .cut
    }

    /// Counts the whole rows; returns the bytes that they took.
    private mutating func consume(_ bytes: [UInt8], _ count: Int) -> Int {
        var start = 0
        while let end = bytes[start..<count].firstIndex(of: ByteText.newline) {
            partial.add(kind, bytes, end, start)
            start = end + 1
        }
        return start
    }

    private mutating func finish() -> Outcome {
        counts = partial
        restart()
        return .whole
    }

    private mutating func restart() {
        partial = Counts()
        position = 0
    }
}

extension NetworkReading.UDP {
    init(_ counts: SocketTable.Counts) {
        self.init()
        listen = counts.rows
        dropped = counts.dropped
        receiveQueued = counts.receiveQueued
        transmitQueued = counts.transmitQueued
    }
}
