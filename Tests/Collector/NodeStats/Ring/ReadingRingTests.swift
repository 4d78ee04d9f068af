import Exposition
import Runtime
import Testing

@testable import NodeStats

/// What goes into the ring comes out of it, whatever changed between two readings.
@Suite struct ReadingRingTests {
    private struct Random {
        var state: UInt64
        mutating func next(_ bound: UInt64 = .max) -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (state >> 11) % bound
        }
    }

    private func ring(bytes: Int = 1 << 24) -> (ReadingRings, MetricRegistry) {
        let registry = MetricRegistry()
        return (ReadingRings(span: 600_000_000_000, byteLimit: bytes, metrics: registry), registry)
    }

    private func change(_ reading: inout Reading, _ random: inout Random) {
        func some(_ value: inout UInt64?, _ random: inout Random) {
            switch random.next(12) {
            case 0: value = nil
            case 1: value = random.next() << 10
            case 2, 3: value = (value ?? 0) &+ random.next(1000)
            default: break
            }
        }
        some(&reading.sample.cpuUsage, &random)
        some(&reading.sample.memoryUsage, &random)
        some(&reading.sample.oomKills, &random)
        some(&reading.sample.refaultsFile, &random)
        if random.next(20) == 0 { reading.sample.cpuUsageByCPU = (0..<random.next(4)).map { _ in random.next(9) } }
        if random.next(9) == 0, !reading.sample.cpuUsageByCPU.isEmpty { reading.sample.cpuUsageByCPU[0] &+= 7 }
        if random.next(20) == 0 { reading.sample.devices = [.init(major: 8, minor: UInt32(random.next(2)), name: "/dev/sda")] }
        if random.next(4) == 0, !reading.sample.devices.isEmpty { some(&reading.sample.devices[0].readBytes, &random) }
        if random.next(20) == 0 { reading.sample.cpuPressure = random.next(2) == 0 ? nil : .init() }
        reading.sample.cpuPressure?.some.average10 = Double(random.next(10_000)) / 100
        if random.next(20) == 0 {
            reading.network = NetworkReading()
            reading.network?.interfaces = [NetworkCounters(interface: "eth\(random.next(2))")]
            reading.network?.advanced = [(name: "MaxConn", value: -1)]
        }
        if let network = reading.network, !network.interfaces.isEmpty { reading.network?.interfaces[0].receivedBytes &+= random.next(100) }
        if random.next(15) == 0 { reading.sample.numa = [.init(node: Int(random.next(3)))] }
        if random.next(15) == 0 { reading.sample.perfEvents = [.init(name: "cycles", cpu: 1, value: random.next(), scaling: 0.25)] }
        if random.next(15) == 0 { reading.sample.load = random.next(2) == 0 ? nil : .init() }
    }

    @Test(arguments: [UInt64](1...8))
    func `readings come back as they were`(seed: UInt64) {
        var random = Random(state: seed)
        let (rings, _) = ring()
        var reading = Reading(sample: CgroupSample(), network: nil)
        reading.sample.time = 1_700_000_000_000_000_000
        var all: [Reading] = []
        for _ in 0..<300 {
            reading.sample.time += 1_000_000_000 + Int64(random.next(3_000_000)) - 1_500_000
            change(&reading, &random)
            all.append(reading)
            rings.append(reading, path: "/a")
        }
        let found = rings.readings("/a", from: .min, through: .max, limit: 1000)
        #expect(found.count == 300, "seed \(seed)")
        for (position, (found, previous)) in found.enumerated() {
            #expect(found.sample == all[position].sample, "seed \(seed), reading \(position)")
            #expect(found.network == all[position].network, "seed \(seed), reading \(position)")
            #expect(previous?.sample == (position == 0 ? nil : all[position - 1].sample), "seed \(seed)")
        }
        let some = rings.readings("/a", from: all[100].sample.time, through: all[199].sample.time, limit: 10)
        #expect(some.map(\.reading.sample.time) == all[190...199].map(\.sample.time))
    }

    @Test func `an idle container costs next to nothing, and ten minutes are kept`() {
        let (rings, _) = ring()
        var reading = Reading(sample: CgroupSample(), network: nil)
        reading.sample.memoryUsage = 5 << 20
        for second in 0..<2000 {
            reading.sample.time = 1_700_000_000_000_000_000 + Int64(second) * 1_000_000_000
            rings.append(reading, path: "/a")
        }
        let found = rings.readings("/a", from: .min, through: .max, limit: .max)
        #expect((601...661).contains(found.count), "\(found.count)")
        #expect(rings.byteCount < 24_000, "\(rings.byteCount) bytes for \(found.count) readings")
        rings.forget("/a")
        #expect(rings.byteCount == 0 && rings.count == 0)
    }

    @Test func `beyond its bytes the oldest of all go first, and are counted`() {
        let (rings, registry) = ring(bytes: 60_000)
        for second in 0..<400 {
            for container in 0..<5 {
                var reading = Reading(sample: CgroupSample(), network: nil)
                reading.sample.time = 1_700_000_000_000_000_000 + Int64(second) * 1_000_000_000
                reading.sample.cpuUsage = UInt64(second * second * 1_000_000)
                rings.append(reading, path: "/\(container)")
            }
            rings.trim()
            #expect(rings.byteCount <= 60_000)
        }
        let dropped = registry.collect().first { $0.name == "binnacle_collector_history_dropped_total" }?.samples.first?.value ?? 0
        #expect(dropped > 0)
        for container in 0..<5 {
            let newest = rings.readings("/\(container)", from: .min, through: .max, limit: 1).first?.reading.sample.cpuUsage
            #expect(newest == 399 * 399 * 1_000_000)
        }
    }

    @Test func `a clock that is set back takes away what it had not reached`() {
        let (rings, _) = ring()
        var reading = Reading(sample: CgroupSample(), network: nil)
        func add(_ second: Int64, _ value: UInt64) {
            reading.sample.time = second * 1_000_000_000
            reading.sample.cpuUsage = value
            rings.append(reading, path: "/a")
        }
        for second in 1...100 { add(Int64(second), UInt64(second)) }
        add(50, 1000)
        add(51, 1001)
        let found = rings.readings("/a", from: .min, through: .max, limit: .max).map(\.reading)
        #expect(found.map { $0.sample.time / 1_000_000_000 } == (1...49).map { Int64($0) } + [50, 51])
        #expect(found.last?.sample.cpuUsage == 1001)
    }
}
