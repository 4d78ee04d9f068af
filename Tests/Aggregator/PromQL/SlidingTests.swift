import Telemetry
import TestKit
import Testing

@testable import PromQL

/// What slides over windows, beside each window looked at by itself.
@Suite struct SlidingTests {
    /// Times, values and windows of many shapes; NaN, infinities and equal values among them.
    private func example(_ random: inout SeededGenerator) -> (times: [Int64], values: [Double], cuts: WindowCuts) {
        let count = Int.random(in: 1...400, using: &random)
        let kind = Int.random(in: 0..<4, using: &random)
        var times: [Int64] = []
        var values: [Double] = []
        for index in 0..<count {
            times.append((times.last ?? 0) + Int64.random(in: 1...20, using: &random))
            switch Int.random(in: 0..<30, using: &random) {
            case 0 where kind > 0: values.append(.nan)
            case 1 where kind > 1: values.append([.infinity, -.infinity, -0.0].randomElement(using: &random) ?? 0)
            default: values.append(kind == 3 ? Double(index) : Double(Int.random(in: -50...50, using: &random)) / 4)
            }
        }
        let steps = Int.random(in: 1...60, using: &random)
        let ends = Steps(start: Int64.random(in: 0...200, using: &random), step: Int64.random(in: 1...90, using: &random), count: steps)
        return (times, values, WindowCuts(times, ends: ends, length: Int64.random(in: 1...3000, using: &random)))
    }

    private func same(_ left: Double, _ right: Double) -> Bool { left == right || left.isNaN && right.isNaN }

    @Test(arguments: UInt64(1)...8) func `quantiles by rank and by a sorted window are those of each window`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for round in 0..<60 {
            let (_, values, cuts) = example(&random)
            let phi = (0..<cuts.count).map { _ in [0, 1, 0.5, 0.9, -1, 2, .nan, Double.random(in: 0...1, using: &random)].randomElement(using: &random) ?? 0 }
            var ranked = Array(repeating: Double.absent, count: cuts.count)
            var sorted = ranked
            if !cuts.used.isEmpty { RankWindow.run(values, cuts, phi: phi, into: &ranked) }
            SlidingQuantile.run(values, cuts, into: &sorted) { $0.quantile(phi[$1]) }
            for step in 0..<cuts.count {
                let window = Array(values[cuts.range(step)])
                let wanted = window.isEmpty ? Double.absent : Statistic.quantile(phi[step], window)
                #expect(same(ranked[step], wanted), "seed \(seed), round \(round), step \(step): \(ranked[step]), not \(wanted)")
                #expect(same(sorted[step], wanted), "seed \(seed), round \(round), step \(step): \(sorted[step]), not \(wanted)")
            }
        }
    }

    @Test(arguments: UInt64(1)...8) func `the least and the greatest are those of each window`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for round in 0..<60 {
            let (_, values, cuts) = example(&random)
            var least = Array(repeating: Double.absent, count: cuts.count)
            var greatest = least
            SlidingLimit<Least>.run(values, cuts, into: &least)
            SlidingLimit<Greatest>.run(values, cuts, WindowSegments(cuts), into: &greatest)
            for step in 0..<cuts.count where !cuts.range(step).isEmpty {
                let numbers = values[cuts.range(step)].filter { !$0.isNaN }
                #expect(same(least[step], numbers.min() ?? .nan), "seed \(seed), round \(round), step \(step)")
                #expect(same(greatest[step], numbers.max() ?? .nan), "seed \(seed), round \(round), step \(step)")
            }
        }
    }

    @Test(arguments: UInt64(1)...8) func `a look at a column finds what one by one would`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            var values = (0..<Int.random(in: 0...70, using: &random)).map { Double($0 / 3) }
            for _ in 0..<Int.random(in: 0...2, using: &random) where !values.isEmpty {
                values[Int.random(in: 0..<values.count, using: &random)] = [.absent, .stale, .nan, -1, .infinity].randomElement(using: &random) ?? 0
            }
            let low = Int.random(in: 0...values.count, using: &random)
            let range = low..<Int.random(in: low...values.count, using: &random)
            let part = Array(values[range])
            #expect(values.hasMarkers(in: range) == part.contains { $0.isStale || $0.isAbsent })
            #expect(values.hasGaps == values.contains { $0.isAbsent })
            #expect(values.isAscending(in: range) == (!part.contains(where: \.isNaN) && zip(part, part.dropFirst()).allSatisfy { $0 <= $1 }))
        }
    }

    /// The exact rest of each addition is kept, whichever number is greater.
    @Test func `a compensated sum loses nothing that fits`() {
        func sum(_ values: [Double]) -> Double {
            var sum = CompensatedSum()
            for value in values { sum.add(value) }
            return sum.value
        }
        #expect(sum([1e100, 1, -1e100]) == 1)
        #expect(sum([1, 1e100, 1, -1e100]) == 2)
        #expect(sum([0.1, 0.2, 0.3, -0.6]).magnitude < 1e-16)
        #expect(sum([.greatestFiniteMagnitude, .greatestFiniteMagnitude]) == .infinity)
        #expect(sum([.infinity, 1]) == .infinity)
        #expect(sum([.infinity, -.infinity]).isNaN && sum([.nan, 1]).isNaN)
    }

    @Test(arguments: [
        ("", 0xEF46_DB37_51D8_E999 as UInt64), ("a", 0xD24E_C4F1_A98C_6E5B), ("abc", 0x44BC_2CF5_AD77_0999),
        ("Nobody inspects the spammish repetition", 0xFBCE_A83C_8A37_8BF1),
    ])
    func `hashes as XXH64 does`(text: String, hash: UInt64) { #expect(XXH64.hash(Array(text.utf8)) == hash) }

    /// The least share at which `limit_ratio` keeps it is the hash of `\x08__name__\x01m\x01a\x01x`.
    @Test func `a label set is hashed as Prometheus 3 does`() {
        let bytes = Array("\u{8}__name__\u{1}m\u{1}a\u{1}x".utf8)
        #expect(Labels(name: "m", ["a": "x"]).prometheusHash == XXH64.hash(bytes))
        let long = String(repeating: "v", count: 300)
        #expect(Labels(["a": long]).prometheusHash == XXH64.hash([1, 0x61, 255, 44, 1, 0] + Array(long.utf8)))
    }

    @Test(arguments: UInt64(1)...4) func `a number's text is the shortest that reads back`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<5000 {
            let value: Double =
                switch Int.random(in: 0..<4, using: &random) {
                case 0: Double(bitPattern: random.next())
                case 1: Double(Int64.random(in: -1 << 60...1 << 60, using: &random))
                case 2: Double(Int.random(in: -100_000...100_000, using: &random)) / 1000
                default: Double.random(in: -1e-3...1e-3, using: &random)
                }
            let text = NumberText.string(value)
            #expect(text.utf8.count <= NumberText.maximumBytes)
            guard value.isFinite else { continue }
            #expect(Double(text) == value, "seed \(seed): \(value) became \(text)")
            let digits = { (text: String) in text.split(separator: "e")[0].filter(\.isNumber).drop { $0 == "0" }.reversed().drop { $0 == "0" }.count }
            #expect(digits(text) == digits("\(value)"), "seed \(seed): \(value) became \(text)")
        }
    }

    @Test(arguments: UInt64(1)...4) func `a whole number's text is its digits`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var numbers: [UInt64] = [0, (1 << 53) - 1]
        for digits in 0..<16 { for offset in [-1, 0, 1] { numbers.append(UInt64(max(0, Int(pow10(digits)) + offset))) } }
        for _ in 0..<5000 { numbers.append(random.next() >> UInt64.random(in: 11...63, using: &random)) }
        for number in numbers where number < 1 << 53 {
            #expect(NumberText.string(Double(number)) == "\(number)")
            if number > 0 { #expect(NumberText.string(-Double(number)) == "-\(number)") }
        }
    }

    private func pow10(_ exponent: Int) -> UInt64 { (0..<exponent).reduce(1) { power, _ in power * 10 } }
}
