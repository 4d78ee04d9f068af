import TestKit
import Testing

@testable import ChunkCodec

@Suite struct PartTests {
    typealias Series = (id: UInt64, times: ContiguousArray<Int64>, values: ContiguousArray<Double>)

    /// Series with common times, holes in them, and times of their own; some follow from others.
    static func randomSeries(_ random: inout SeededGenerator) -> [Series] {
        let rows = 1 + Int(random.next() % 300)
        var time = Int64(1_790_000_000_000)
        let jitter = random.next() % 3 == 0
        let times = (0..<rows).map { _ in
            time += 1000 + (jitter ? Int64(random.next() % 9) : 0)
            return time
        }
        var id = UInt64(random.next() % 1000)
        var series: [Series] = []
        for _ in 0..<(1 + random.next() % 24) {
            id += 1 + random.next() % 3
            var own = times
            switch random.next() % 6 {
            case 0: own = times.map { $0 + Int64(id) }
            case 1: own = times.filter { _ in random.next() % 2 == 0 }
            case 2: own = Array(times.suffix(1 + rows / 2))
            default: break
            }
            if own.isEmpty { own = [times[0]] }
            var values = ColumnShape.allCases.randomElement(using: &random)!.values(own.count, &random).map { $0.bitPattern == Presence.absentBits ? 1 : $0 }
            let others = series.filter { $0.times.count == own.count }
            if let one = others.randomElement(using: &random), let two = others.randomElement(using: &random) {
                switch random.next() % 6 {
                case 0: values = Array(one.values)
                case 1: values = zip(one.values, two.values).map { $0 + $1 }
                case 2: values = zip(one.values, two.values).map { $0 - $1 }
                case 3: values = one.values.map { $0 * 4 + 3 }
                case 4: values = one.values.map { $0 + Double(random.next() % 3) }
                default: break
                }
            }
            values = values.map { $0.bitPattern == Presence.absentBits ? 1 : $0 }
            series.append((id, ContiguousArray(own), ContiguousArray(values)))
        }
        return series
    }

    static func part(_ series: [Series], _ effort: Part.Effort = .thorough, _ finish: Finish? = nil) -> Part.Encoded {
        let lanes = LaneFinder(series)
        return Part.encode(lanes: lanes.lanes, columns: lanes.columns, effort: effort, finish: finish)
    }

    @Test(arguments: [Part.Effort.fast, .thorough]) func `a part gives back each series, bit for bit`(effort: Part.Effort) throws {
        var codecs = Set<String>()
        for seed in UInt64(1)...150 {
            var random = SeededGenerator(seed: seed)
            let series = Self.randomSeries(&random)
            let reader = try PartReader(Self.part(series, effort))
            #expect(reader.ids == series.map(\.id))
            for position in series.indices.shuffled(using: &random) {
                let samples = try reader.samples(at: position)
                #expect(samples.times == series[position].times, "seed \(seed) column \(position)")
                #expect(
                    samples.values.map(\.bitPattern) == series[position].values.map(\.bitPattern),
                    "seed \(seed) column \(position) \(reader.coding(at: position).codec)")
                #expect(reader.position(of: series[position].id) == position)
                #expect(reader.sampleCount(at: position) == series[position].times.count)
                codecs.insert(reader.coding(at: position).codec)
            }
            #expect(reader.position(of: 5000) == nil)
        }
        if effort == .thorough {
            #expect(codecs.isSuperset(of: ["constant", "copy", "runs", "dictionary", "decimal", "bits", "affine", "sum", "difference", "follow"]), "\(codecs)")
        }
    }

    @Test func `a part in which columns follow from each other costs what its sources cost`() {
        var random = SeededGenerator(seed: 4)
        let times = ContiguousArray((0..<1440).map { Int64($0) * 15_000 })
        func column(_ values: [Double]) -> ContiguousArray<Double> { ContiguousArray(values) }
        let user = ColumnShape.counterMicroseconds.values(1440, &random)
        let system = ColumnShape.counterMicroseconds.values(1440, &random)
        // Sums in microseconds, as a kernel has them, printed as seconds.
        let total = zip(user, system).map { (($0 * 1e6).rounded() + ($1 * 1e6).rounded()) / 1e6 }
        let alone = Self.part([(1, times, column(user)), (2, times, column(system))]).byteCount
        let all = Self.part([
            (1, times, column(user)), (2, times, column(system)), (3, times, column(total)), (4, times, column(user)),
            (5, times, column(user.map { ($0 * 1e6).rounded() })),
            (6, times, column(zip(total, system).map { (($0 * 1e6).rounded() - ($1 * 1e6).rounded() + 5e6) / 1e6 })),
        ]).byteCount
        #expect(all - alone < 80, "\(all - alone) bytes")
    }

    @Test func `a column of a part costs reading its own pages only`() throws {
        var random = SeededGenerator(seed: 8)
        let times = ContiguousArray((0..<2000).map { Int64($0) * 1000 })
        let series: [Series] = (1...40).map { (UInt64($0), times, ContiguousArray(ColumnShape.doubles.values(2000, &random))) }
        let part = Self.part(series)
        var fetched = 0
        let reader = try PartReader(directory: part.directory) { range in
            fetched += range.count
            return Array(part.body[range])
        }
        _ = try reader.samples(at: 20)
        #expect(fetched <= 13_000 + 2 * Part.pageBytes, "\(fetched)")
    }

    @Test func `an injected compressor that loses data is found out and not used`() throws {
        let finish = Finish(
            compress: { bytes in bytes.allSatisfy { $0 == bytes[0] } ? [bytes[0], UInt8(bytes.count)] : Array(bytes.prefix(2)) },
            decompress: { bytes, limit in Array(repeating: bytes[0], count: min(limit, Int(bytes[1]))) })
        var random = SeededGenerator(seed: 2)
        let values = ContiguousArray(ColumnShape.wildBits.values(100, &random))
        let part = Self.part([(1, ContiguousArray((0..<100).map { Int64($0) }), values)], .thorough, finish)
        #expect(try PartReader(part, finish: finish).samples(at: 0).values.map(\.bitPattern) == values.map(\.bitPattern))
    }

    @Test func `a flipped bit anywhere is found when it is read`() {
        var random = SeededGenerator(seed: 11)
        let part = Self.part(Self.randomSeries(&random))
        for _ in 0..<600 {
            var damaged = part
            let place = Int(random.next() % UInt64(part.byteCount))
            let bit: UInt8 = 1 << UInt8(random.next() % 8)
            if place < part.directory.count { damaged.directory[place] ^= bit } else { damaged.body[place - part.directory.count] ^= bit }
            #expect(throws: ChunkError.self) {
                let reader = try PartReader(damaged)
                for position in reader.ids.indices { _ = try reader.samples(at: position) }
            }
        }
        #expect(throws: ChunkError.self) { try PartReader(directory: Array(part.directory.dropLast())) { _ in [] } }
        #expect(throws: ChunkError.self) { try PartReader(directory: []) { _ in [] } }
    }

    /// Even with a right checksum, bytes must not trap: a bug elsewhere may have written them.
    @Test func `damaged bytes behind a right checksum throw or decode, and never trap`() {
        for seed in UInt64(1)...40 {
            var random = SeededGenerator(seed: seed)
            let part = Self.part(Self.randomSeries(&random))
            let content = Array(part.directory[2..<part.directory.count - 4])
            for _ in 0..<80 {
                var damaged = content
                var body = part.body
                for _ in 0..<(1 + random.next() % 4) {
                    damaged[Int(random.next() % UInt64(damaged.count))] = UInt8(truncatingIfNeeded: random.next())
                    if !body.isEmpty { body[Int(random.next() % UInt64(body.count))] = UInt8(truncatingIfNeeded: random.next()) }
                }
                if random.next() % 4 == 0 { damaged.removeLast(Int(random.next() % UInt64(damaged.count))) }
                let bytes = body
                guard let directory = try? PartDirectory(content: damaged) else { continue }
                let reader = PartReader(directory, isChecked: false) { Array(bytes[$0.clamped(to: 0..<bytes.count)]) }
                for position in reader.ids.indices where reader.sampleCount(at: position) < 100_000 {
                    let samples = try? reader.samples(at: position)
                    #expect(samples == nil || samples!.values.count == samples!.times.count)
                }
            }
        }
    }

    @Test func `other versions are refused by name`() {
        for (version, error) in [(UInt8(9), ChunkError.newerVersion(9)), (1, .malformed("a part of format version 1, which is no longer read"))] {
            var bytes = Array(Self.part([(1, [1], [1])]).directory.dropLast(4))
            bytes[0] = version
            bytes.appendFixed(CRC32C.checksum(bytes))
            #expect(throws: error) { try PartReader(directory: bytes) { _ in [] } }
        }
    }

    @Test func `times of few series are found in those of many`() {
        let all = ContiguousArray((0..<100).map { Int64($0) })
        let late = ContiguousArray(all.suffix(40))
        let scattered = ContiguousArray(all.filter { $0 % 2 == 0 })
        let foreign = ContiguousArray((0..<50).map { Int64($0) * 3 + 1000 })
        func values(_ times: ContiguousArray<Int64>) -> ContiguousArray<Double> { ContiguousArray(times.map { Double($0) }) }
        let found = LaneFinder([
            (1, late, values(late)), (2, all, values(all)), (3, all, values(all)), (4, foreign, values(foreign)), (5, scattered, values(scattered)),
        ])
        #expect(found.lanes == [Array(all), Array(foreign), Array(scattered)])
        #expect(found.columns.map(\.lane) == [0, 0, 0, 1, 2])
    }

    /// docs/formats/series.md explains these bytes one by one.
    @Test func `the bytes of the documented example`() {
        let stale = Double(bitPattern: Presence.staleBits)
        let part = Part.encode(
            lanes: [[1000, 2000, 3000, 4000]],
            columns: [.init(id: 7, values: [0.5, 0.5, 0.5, 0.5]), .init(id: 8, values: [4096, 8192, 12288, stale])], effort: .fast)
        func hex(_ bytes: [UInt8]) -> String { bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ") }
        #expect(hex(part.directory) == PartTests.goldenDirectory)
        #expect(hex(part.body) == PartTests.goldenBody)
    }

    @Test func `a part of version 2 is read as it is`() throws {
        func bytes(_ hex: String) -> [UInt8] { hex.split(separator: " ").map { UInt8($0, radix: 16)! } }
        let reader = try PartReader(Part.Encoded(directory: bytes(PartTests.goldenVersion2), body: bytes(PartTests.goldenBody)))
        #expect(reader.ids == [7, 8])
        #expect(try reader.samples(at: 0).values == [0.5, 0.5, 0.5, 0.5])
        #expect(try reader.samples(at: 1).times == [1000, 2000, 3000, 4000])
        #expect(try Array(reader.samples(at: 1).values.prefix(3)) == [4096, 8192, 12288])
        #expect(reader.directory.pageBytes == 8192)
    }

    /// Requests that fall into one bucket or another: what a bucket grows by says much of what the next one does.
    @Test func `buckets of a histogram follow each other, which leaves out what they share`() throws {
        var random = SeededGenerator(seed: 6)
        let times = ContiguousArray((0..<1440).map { Int64($0) * 15_000 })
        var buckets = [[Double]](repeating: [], count: 4)
        var totals = [Double](repeating: 0, count: 4)
        for _ in 0..<1440 {
            let load = Double.random(in: 1000..<4000, using: &random)
            var below = 0.0
            for number in 0..<4 {
                below += (load * 0.25 + Double.random(in: -20..<20, using: &random)).rounded()
                totals[number] += below
                buckets[number].append(totals[number])
            }
        }
        let series: [Series] = buckets.enumerated().map { (UInt64($0 + 1), times, ContiguousArray($1)) }
        let part = Self.part(series)
        let reader = try PartReader(part)
        for (position, one) in series.enumerated() { #expect(try reader.samples(at: position).values == one.values) }
        #expect((1..<4).allSatisfy { reader.coding(at: $0).codec == "follow" })
        // The noise of two buckets, each of 41 equally likely numbers, is some 6 bits; the first bucket alone takes 9.6.
        #expect((1..<4).allSatisfy { reader.coding(at: $0).bytes < 1440 * 7 / 8 }, "\((0..<4).map { reader.coding(at: $0).bytes })")
    }

    private static let goldenDirectory = "03 00 02 01 04 07 01 d0 0f e8 07 00 02 01 00 02 0d 06 09 07 01 02 01 0a 01 25 00 09 09 cf db 60 aa 22 d4 ac 10"
    private static let goldenVersion2 = "02 00 02 01 04 07 01 d0 0f e8 07 00 02 01 00 02 0d 06 09 07 01 02 01 0a 01 25 00 09 09 cf db 60 aa 0d ff 95 4a"
    private static let goldenBody = "00 00 01 80 40 80 20 00 02"
}
