import TestKit
import Testing

@testable import NodeStats

@Suite struct TableParserTests {
    private static let dev = """
        Inter-|   Receive                                                |  Transmit
         face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
            lo: 5629092137  469897    0    0    0     0          0         0 5629092137  469897    0    0    0     0       0          0
        veth12:       1       2    3    4    0     0          0         0        5       6    7    8    0     0       0          0
          eth0:476886131   11183    1    2    3     4          5         6   537461    7100    7    8    9    10      11         12
        eth0:1:      10      20   30   40    0     0          0         0       50      60   70   80    0     0       0          0
         bad0:       1       2    3
          big:99999999999999999999 2 3 4 0 0 0 0 5 6 7 8 0 0 0 0

        """

    @Test func `interfaces are read by column, and those with a skipped name are left out`() {
        let bytes = Array(Self.dev.utf8)
        var found: [NetworkCounters] = []
        NetworkCounters.parse(bytes, count: bytes.count, skipping: [Array("lo".utf8), Array("veth".utf8)], into: &found)
        #expect(
            found == [
                NetworkCounters(
                    interface: "eth0", receivedBytes: 476_886_131, receivedPackets: 11_183, receiveErrors: 1, receiveDrops: 2, transmittedBytes: 537_461,
                    transmittedPackets: 7_100, transmitErrors: 7, transmitDrops: 8),
                NetworkCounters(
                    interface: "eth0:1", receivedBytes: 10, receivedPackets: 20, receiveErrors: 30, receiveDrops: 40, transmittedBytes: 50,
                    transmittedPackets: 60, transmitErrors: 70, transmitDrops: 80),
                NetworkCounters(
                    interface: "big", receivedBytes: .max, receivedPackets: 2, receiveErrors: 3, receiveDrops: 4, transmittedBytes: 5,
                    transmittedPackets: 6, transmitErrors: 7, transmitDrops: 8),
            ])
    }

    private static let tcp = """
          sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
           0: 0100007F:4C63 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1415219 1 00000000fc520014 100 0 0 10 0
           1: 0100007F:4C63 0100007F:0007 01 00000000:00000000 00:00000000 00000000     0        0 1415219 1 00000000fc520014 100 0 0 10 0
           2: 0100007F:4C63 0100007F:0008 01 00000000:00000000 00:00000000 00000000     0        0 1415219 1 00000000fc520014 100 0 0 10 0
           3: 0100007F:4C63 0100007F:0009 06 00000000:00000000 03:00000F00 00000000     0        0 0 3 00000000fc520014
           4: 0100007F:4C63 0100007F:0009 0B 00000000:00000000 00:00000000 00000000     0        0 0 3 00000000fc520014
           5: 0100007F:4C63 0100007F:0009 0F 00000000:00000000 00:00000000 00000000     0        0 0 3 00000000fc520014

        """

    private func count(_ kind: SocketTable.Kind, _ text: String, bufferSize: Int = 65_536, budget: Int = .max, rounds: Int = 1) -> (SocketTable, Int) {
        let bytes = Array(text.utf8)
        var table = SocketTable(kind)
        var buffer = [UInt8](repeating: 0, count: bufferSize)
        var cuts = 0
        for _ in 0..<rounds where table.counts == nil {
            var left = budget
            let outcome = table.read(budget: &left, buffer: &buffer) { buffer, offset, limit in
                let part = bytes.dropFirst(offset).prefix(limit)
                buffer.replaceSubrange(0..<part.count, with: part)
                return part.count
            }
            if outcome == .cut { cuts += 1 }
        }
        return (table, cuts)
    }

    @Test func `tcp sockets are counted by the kernel's numbers, unknown ones in no state`() throws {
        let counts = try #require(count(.tcp, Self.tcp).0.counts)
        #expect(counts.states == [2, 0, 0, 0, 0, 1, 0, 0, 0, 1, 1])
        #expect(counts.rows == 6)
    }

    @Test func `the summary of sockets tells an empty table`() {
        var summary = SocketSummary()
        #expect(!summary.hasNoTCP && !summary.hasNoTCP6)
        for (text, tcp, tcp6) in [
            ("sockets: used 3\nTCP: inuse 0 orphan 0 tw 0 alloc 5 mem 1\nUDP: inuse 1 mem 0\n", true, false), ("TCP6: inuse 0\nUDP6: inuse 0\n", true, true),
            ("TCP: inuse 0 orphan 0 tw 1 alloc 5 mem 1\n", false, false), ("TCP: inuse 2 orphan 0 tw 0\n", false, true), ("TCP: inuse", false, true),
        ] {
            summary.parse(Array(text.utf8), count: text.utf8.count)
            #expect(summary.hasNoTCP == tcp && summary.hasNoTCP6 == tcp6, "\(text)")
        }
    }

    @Test func `udp rows, queues and drops are summed`() throws {
        let text = """
               sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
              10: 00000000:0044 00000000:0000 07 00000010:000000FF 00:00000000 00000000     0        0 1 2 0000000000000000 7
              11: 00000000:0045 00000000:0000 07 00000001:00000001 00:00000000 00000000     0        0 1 2 0000000000000000 5

            """
        let counts = try #require(count(.udp, text).0.counts)
        let udp = NetworkReading.UDP(counts)
        #expect([udp.listen, udp.transmitQueued, udp.receiveQueued, udp.dropped] == [2, 0x11, 0x100, 12])
    }

    @Test func `a table longer than the budget is read on in later rounds and counted whole`() throws {
        let row = "   0: 0100007F:4C63 0100007F:0007 01 00000000:00000000 00:00000000 00000000     0        0 1415219 1 00000000fc520014 100 0 0 10 0\n"
        let text = Self.tcp + String(repeating: row, count: 500)
        let (table, cuts) = count(.tcp, text, bufferSize: 1000, budget: 5_000, rounds: 100)
        #expect(table.counts?.states.first == 502)
        #expect(cuts > 5)
    }

    @Test(arguments: [UInt64](1...200))
    func `a budget and a buffer of any size count the same`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let rows = Int.random(in: 0...200, using: &random)
        let text =
            "  sl  local_address rem_address   st\n"
            + (0..<rows).map { number in
                let state = String(Int.random(in: 1...12, using: &random), radix: 16, uppercase: true)
                return "  \(number): 0A:1 0B:2 0\(state) 00000001:00000002 00:00000000 \(number)\n"
            }.joined()
        let whole = count(.tcp, text).0.counts
        let size = Int.random(in: 1100...5000, using: &random)
        let parts = count(.tcp, text, bufferSize: size, budget: Int.random(in: 1...700, using: &random), rounds: 1000).0.counts
        #expect(whole == parts, "seed \(seed)")
    }

    @Test func `protocol counters keep the kernel's order and spelling, with negative values`() {
        let text = """
            Ip: Forwarding DefaultTTL
            Ip: 1 64
            Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens Odd
            Tcp: 1 200 120000 -1 29553 x
            Udp: InDatagrams
            Udp: 5

            """
        var counters = ProtocolCounters("Tcp:")
        for _ in 0..<2 {
            var found: [(name: String, value: Int64)] = []
            counters.parse(Array(text.utf8), count: text.utf8.count, into: &found)
            #expect(found.map(\.name) == ["RtoAlgorithm", "RtoMin", "RtoMax", "MaxConn", "ActiveOpens"])
            #expect(found.map(\.value) == [1, 200, 120_000, -1, 29_553])
        }
        // A name more than there are values, and a heading alone.
        for text in ["Tcp: A B\nTcp: 7\n", "Tcp: A B\nTcp: 7", "Tcp: A B\n", "Tcp:", ""] {
            var found: [(name: String, value: Int64)] = []
            counters.parse(Array(text.utf8), count: text.utf8.count, into: &found)
            #expect(found.map(\.value) == (text.contains("7") ? [7] : []))
        }
    }

    @Test(arguments: [
        ("Max open files            20000                20000                files     \n", 20_000, 20_000),
        ("Limit  Soft\nMax open files            1024                 unlimited            files\n", 1024, -1),
    ])
    func `the limit of open files is found`(text: String, soft: Int64, hard: Int64) throws {
        let limits = try #require(DescriptorCount.limits(Array(text.utf8), count: text.utf8.count))
        #expect(limits == (soft, hard))
    }

    @Test func `a task's name may look like its state`() {
        for (text, state) in [("12 (a) R) S 1 2", "S"), ("12 (x) R 1", "R"), ("12 (x)", nil), ("", nil), ("12 (x) ", nil)] {
            let bytes = Array(text.utf8)
            #expect(TaskStates.state(bytes, count: bytes.count) == state?.utf8.first, "\(text)")
        }
    }

    @Test func `numbers beyond 64 bits become the largest, and none is nil`() {
        var offset = 0
        #expect(ByteText.decimal(Array("18446744073709551615".utf8), 20, &offset) == .max)
        offset = 0
        #expect(ByteText.decimal(Array("18446744073709551616 1".utf8), 22, &offset) == .max)
        #expect(offset == 20)
        offset = 0
        #expect(ByteText.signed(Array("-9223372036854775809".utf8), 20, &offset) == .min)
        offset = 0
        #expect(ByteText.hexadecimal(Array("10000000000000000".utf8), 17, &offset) == .max)
        offset = 0
        #expect(ByteText.decimal(Array("x".utf8), 1, &offset) == nil)
        #expect(offset == 0)
    }

    @Test(arguments: [UInt64](1...300))
    func `any bytes are read without a crash and to the end at most`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let bytes = random.tableBytes(Int.random(in: 0...400, using: &random))
        let count = Int.random(in: 0...bytes.count, using: &random)
        var interfaces: [NetworkCounters] = []
        NetworkCounters.parse(bytes, count: count, skipping: [], into: &interfaces)
        var pairs: [(name: String, value: Int64)] = []
        var counters = ProtocolCounters("Tcp")
        counters.parse(bytes, count: count, into: &pairs)
        var table = SocketTable.Counts()
        table.add(.udp, bytes, count, 0)
        _ = TaskStates.state(bytes, count: count)
        _ = ScheduleTotals.parse(bytes, count: count)
        _ = DescriptorCount.limits(bytes, count: count)
        _ = MemoryMapText.referenced(bytes, count: count)
        _ = TaskStatistics.states(in: bytes, count: count)
        _ = KernelLogRecord(bytes, count: count)
        var summary = SocketSummary()
        summary.parse(bytes, count: count)
        #expect(ProcessList.parse(bytes, count: count).allSatisfy { $0 > 0 }, "seed \(seed)")
        // What lies behind the end makes no difference.
        var other = bytes[..<count] + random.tableBytes(50)
        other.reserveCapacity(count + 50)
        var again: [NetworkCounters] = []
        NetworkCounters.parse(Array(other), count: count, skipping: [], into: &again)
        #expect(again == interfaces, "seed \(seed)")
    }
}
