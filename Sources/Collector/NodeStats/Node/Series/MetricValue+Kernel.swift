import Exposition

extension MetricValue {
    static func integer(_ value: UInt64) -> MetricValue { .unsigned(value) }
    static func integer(_ value: Int64) -> MetricValue { .signed(value) }
    static func flag(_ value: Bool) -> MetricValue { .unsigned(value ? 1 : 0) }

    /// `mantissa` / 10^`digits`.
    static func decimal(_ mantissa: UInt64, digits: Int) -> MetricValue {
        digits <= 19 ? .scaled(mantissa, digits: digits) : .double(Double(mantissa) * .pow10(-digits))
    }
    static func decimal(_ mantissa: Int64, digits: Int) -> MetricValue {
        switch (mantissa >= 0, digits) {
        case (true, 0): .unsigned(mantissa.magnitude)
        case (true, _): .decimal(mantissa.magnitude, digits: digits)
        case (false, 0): .signed(mantissa)
        case (false, _): .double(-MetricValue.decimal(mantissa.magnitude, digits: digits).double)
        }
    }
}

extension Double {
    fileprivate static func pow10(_ exponent: Int) -> Double { Double("1e\(exponent)") ?? 0 }
}
