import TestKit
import Glibc

/// Random columns of the shapes that containers have, and of some that nobody has.
enum ColumnShape: String, CaseIterable {
    case constant, counterMicroseconds, counterBytes, pages, gauge, doubles, specials, sparse, runs, fewValues, huge, decimals, steps, wildBits, milliProducts,
        microQuotients

    func values(_ count: Int, _ random: inout SeededGenerator) -> [Double] {
        func uniform() -> Double { Double.random(in: 0..<1, using: &random) }
        func normal() -> Double { (-2 * log(max(uniform(), 1e-300))).squareRoot() * cos(2 * .pi * uniform()) }
        var level = Int64(random.next() % 1_000_000_000)
        var values: [Double] = []
        for row in 0..<count {
            switch self {
            case .constant: values.append(values.first ?? uniform() * 100)
            case .counterMicroseconds:
                level += max(0, Int64(10_000 + 500 * normal()))
                values.append(Double(level) / 1e6)
            case .counterBytes:
                if uniform() < 0.3 { level += Int64(uniform() * 100_000) }
                values.append(Double(level))
            case .pages:
                if uniform() < 0.4 { level += Int64(8 * normal()) }
                values.append(Double(level * 4096))
            case .gauge: values.append(Double(Int(50 + 10 * normal())))
            case .doubles: values.append(100 + normal())
            case .specials:
                let all: [Double] = [
                    .nan, -.nan, Double(bitPattern: 0x7ff8_0000_0000_0001), Double(bitPattern: 0x7ff0_0000_0000_0001), .infinity, -.infinity, 0,
                    -0.0, .leastNonzeroMagnitude, -.leastNonzeroMagnitude, .greatestFiniteMagnitude, 1e22, 0.1, 9_007_199_254_740_992,
                ]
                values.append(uniform() < 0.5 ? all[Int(random.next() % UInt64(all.count))] : Double(row))
            case .sparse:
                let state = uniform()
                let bits: UInt64 = state < 0.2 ? 0x7ff0_0000_0000_0004 : state < 0.3 ? 0x7ff0_0000_0000_0002 : Double(row).bitPattern
                values.append(Double(bitPattern: bits))
            case .runs: values.append(uniform() < 0.05 || values.isEmpty ? uniform() * 1000 : values[row - 1])
            case .fewValues: values.append([0.25, 1e9, -3.125e-4, 77][Int(random.next() % 4)])
            case .huge: values.append(Double(sign: .plus, exponent: Int(random.next() % 2000) - 1000, significand: 1 + uniform()))
            case .decimals: values.append((uniform() * 10_000).rounded() / 100)
            case .steps: values.append(1_700_000_000 + Double(row) * 15)
            case .milliProducts:
                level += Int64(uniform() * 50)
                values.append(Double(level) * 0.001)
            case .microQuotients:
                level += Int64(uniform() * 5000)
                values.append(Double(level) / 1000 / 1000)
            case .wildBits: values.append(Double(bitPattern: random.next()))
            }
        }
        return values
    }
}
