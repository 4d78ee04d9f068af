/// Doubles that came from decimal text or from whole units (microseconds, bytes) as integers over a power of ten.
public enum DecimalScale {
    /// Powers of ten up to 10^22 are exact doubles; 12 decimals cover nanoseconds and all that exporters print.
    public static let largestExponent = 12
    /// Ways in which programs turn whole numbers into seconds that are not the correctly rounded decimal, by numbers above
    /// the exponents: a product with 0.001 (milliseconds of Linux' disk counters), two divisions by 1000 (microseconds of its
    /// pressure files), products with 0.000001 and 0.000000001.
    static let variants = 13...16
    /// Above this, neighbouring integers are not both doubles.
    private static let largestMantissa = 9_007_199_254_740_992.0

    @inline(__always)
    private static func power(_ exponent: Int) -> Double {
        switch exponent {
        case 0: 1
        case 1: 1e1
        case 2: 1e2
        case 3: 1e3
        case 4: 1e4
        case 5: 1e5
        case 6: 1e6
        case 7: 1e7
        case 8: 1e8
        case 9: 1e9
        case 10: 1e10
        case 11: 1e11
        default: 1e12
        }
    }

    /// The integer m with `value(m, exponent)` the very same double, bit for bit; nil if there is none.
    public static func mantissa(_ value: Double, exponent: Int) -> Int64? {
        let scaled = (value * power(exponent < 13 ? exponent : exponent == 13 ? 3 : exponent == 16 ? 9 : 6)).rounded(.toNearestOrEven)
        // Also false for NaN.
        guard scaled.magnitude < largestMantissa else { return nil }
        let mantissa = Int64(scaled)
        return self.value(mantissa, exponent: exponent).bitPattern == value.bitPattern ? mantissa : nil
    }

    /// m / 10^exponent, correctly rounded: what parsing the decimal text gives.
    public static func value(_ mantissa: Int64, exponent: Int) -> Double {
        switch exponent {
        case 13: Double(mantissa) * 0.001
        case 14: Double(mantissa) / 1000 / 1000
        case 15: Double(mantissa) * 0.000001
        case 16: Double(mantissa) * 0.000000001
        default: Double(mantissa) / power(exponent)
        }
    }

    /// The same for a column.
    static func values(_ mantissas: [Int64], exponent: Int) -> [Double] {
        unsafe [Double](unsafeUninitializedCapacity: mantissas.count) { output, filled in
            if exponent == 0 {
                for index in mantissas.indices { unsafe output[index] = Double(mantissas[index]) }
            } else if variants.contains(exponent) {
                for index in mantissas.indices { unsafe output[index] = value(mantissas[index], exponent: exponent) }
            } else {
                let divisor = power(exponent)
                for index in mantissas.indices { unsafe output[index] = Double(mantissas[index]) / divisor }
            }
            filled = mantissas.count
        }
    }

    /// The mantissas of a column, of which each must have one.
    static func mantissas(_ values: [Double], exponent: Int) -> [Int64]? {
        var mantissas: [Int64] = []
        mantissas.reserveCapacity(values.count)
        for value in values {
            guard let mantissa = mantissa(value, exponent: exponent) else { return nil }
            mantissas.append(mantissa)
        }
        return mantissas
    }

    /// 10^exponent as an integer.
    static func integerPower(_ exponent: Int) -> Int64 {
        var power: Int64 = 1
        for _ in 0..<exponent { power *= 10 }
        return power
    }

    /// The smallest exponent, not under `start`, that holds `value` exactly.
    public static func exponent(of value: Double, from start: Int = 0) -> Int? {
        guard value.isFinite else { return nil }
        var exponent = start
        while exponent <= largestExponent {
            if mantissa(value, exponent: exponent) != nil { return exponent }
            exponent += 1
        }
        return nil
    }
}
