/// An amount of a resource (`100m`, `1.5`, `64Mi`, `1e3`), exact to a billionth.
///
/// Equality and order go by the amount, not by how it is written.
public struct Quantity: Sendable, CustomStringConvertible {
    /// How the value is written: with binary (`Ki`), decimal (`k`) or exponent (`e3`) suffixes.
    public enum Format: Sendable { case binarySI, decimalSI, decimalExponent }

    /// 128 bits hold all of 64 bits' whole numbers times a billion.
    let nano: Int128
    public let format: Format

    static let nanoPerUnit: Int128 = 1_000_000_000
    /// Greater amounts become this one, as in Kubernetes.
    private static let maximum = Int128(Int64.max) * nanoPerUnit
    static let syntaxProblem =
        "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"

    private init(nano: Int128, format: Format) {
        self.nano = min(max(nano, -Self.maximum), Self.maximum)
        self.format = format
    }

    public init(_ value: Int64, format: Format = .decimalSI) { self.init(nano: Int128(value) * Self.nanoPerUnit, format: format) }
    public init(milli: Int64, format: Format = .decimalSI) { self.init(nano: Int128(milli) * 1_000_000, format: format) }

    /// Nil for what is no quantity. Fractions finer than a billionth are rounded away from zero.
    public init?(_ text: String) {
        var bytes = Array(text.utf8)[...]
        var isNegative = false
        if let sign = bytes.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
            isNegative = sign == UInt8(ascii: "-")
            bytes = bytes.dropFirst()
        }
        var digits: [UInt8] = []
        var fractionDigits = 0
        var hasPoint = false
        while let byte = bytes.first, byte == UInt8(ascii: ".") || byte &- 0x30 <= 9 {
            if byte == UInt8(ascii: ".") {
                guard !hasPoint else { return nil }
                hasPoint = true
            } else {
                digits.append(byte - 0x30)
                if hasPoint { fractionDigits += 1 }
            }
            bytes = bytes.dropFirst()
        }
        guard !digits.isEmpty, digits.count <= 4096, let suffix = Self.suffix(bytes) else { return nil }
        format = suffix.format

        // Value = mantissa * 10^power * 2^shift units.
        var mantissa: Int128 = 0
        var power = suffix.power - fractionDigits
        var isInexact = false
        for digit in digits {
            // 30 digits are more than 64 bits of units and nine places need.
            if mantissa < 1_000_000_000_000_000_000_000_000_000_000 {
                mantissa = mantissa * 10 + Int128(digit)
            } else {
                power += 1
                if digit != 0 { isInexact = true }
            }
        }
        guard mantissa != 0 else {
            nano = 0
            return
        }
        power += 9
        var value = mantissa
        var isOver = false
        for _ in 0..<suffix.shift / 10 { (value, isOver) = Self.times(value, 1024, isOver) }
        while power > 0, !isOver {
            (value, isOver) = Self.times(value, 10, isOver)
            power -= 1
        }
        while power < 0, value > 0 {
            if value % 10 != 0 { isInexact = true }
            value /= 10
            power += 1
        }
        if isOver { value = Self.maximum } else if isInexact || value == 0 { value += 1 }
        value = min(value, Self.maximum)
        nano = isNegative ? -value : value
    }

    private static func times(_ value: Int128, _ factor: Int128, _ wasOver: Bool) -> (Int128, Bool) {
        let (product, overflow) = value.multipliedReportingOverflow(by: factor)
        return (overflow ? value : product, wasOver || overflow)
    }

    private static func suffix(_ bytes: ArraySlice<UInt8>) -> (power: Int, shift: Int, format: Format)? {
        switch String(decoding: bytes, as: UTF8.self) {
        case "": return (0, 0, .decimalSI)
        case "n": return (-9, 0, .decimalSI)
        case "u": return (-6, 0, .decimalSI)
        case "m": return (-3, 0, .decimalSI)
        case "k": return (3, 0, .decimalSI)
        case "M": return (6, 0, .decimalSI)
        case "G": return (9, 0, .decimalSI)
        case "T": return (12, 0, .decimalSI)
        case "P": return (15, 0, .decimalSI)
        case "E": return (18, 0, .decimalSI)
        case "Ki": return (0, 10, .binarySI)
        case "Mi": return (0, 20, .binarySI)
        case "Gi": return (0, 30, .binarySI)
        case "Ti": return (0, 40, .binarySI)
        case "Pi": return (0, 50, .binarySI)
        case "Ei": return (0, 60, .binarySI)
        case let exponent:
            guard exponent.first == "e" || exponent.first == "E", let power = Int(exponent.dropFirst()), (-1000...1000).contains(power) else { return nil }
            return (power, 0, .decimalExponent)
        }
    }

    public static let zero = Quantity(0)
    /// The value rounded up to a whole number.
    public var value: Int64 { Int64(Self.roundedUp(nano, Self.nanoPerUnit)) }
    /// The value in thousandths, rounded up; the greatest number if it does not fit.
    public var milliValue: Int64 { Int64(clamping: Self.roundedUp(nano, 1_000_000)) }
    public var double: Double { Double(nano) / 1e9 }
    public var isNegative: Bool { nano < 0 }

    private static func roundedUp(_ value: Int128, _ divisor: Int128) -> Int128 {
        let quotient = value / divisor
        return value % divisor > 0 ? quotient + 1 : quotient
    }

    /// The canonical text: the greatest suffix that needs no fraction (`1500m`, `1Gi`, `12e6`).
    public var description: String {
        if nano == 0 { return "0" }
        if format == .binarySI, nano.magnitude >= UInt128(1024 * Self.nanoPerUnit) {
            var whole = value
            var power = 0
            while power < 6, whole % 1024 == 0 {
                whole /= 1024
                power += 1
            }
            return "\(whole)" + ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"][power]
        }
        var mantissa = nano
        var power = -9
        while power < 18, mantissa % 1000 == 0 {
            mantissa /= 1000
            power += 3
        }
        if format == .decimalExponent { return power == 0 ? "\(mantissa)" : "\(mantissa)e\(power)" }
        return "\(mantissa)" + ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"][power / 3 + 3]
    }

    public static func + (left: Quantity, right: Quantity) -> Quantity {
        Quantity(nano: left.nano + right.nano, format: left.nano == 0 ? right.format : left.format)
    }
    public static func - (left: Quantity, right: Quantity) -> Quantity {
        Quantity(nano: left.nano - right.nano, format: left.nano == 0 ? right.format : left.format)
    }
}

extension Quantity: Hashable, Comparable {
    public static func == (left: Quantity, right: Quantity) -> Bool { left.nano == right.nano }
    public static func < (left: Quantity, right: Quantity) -> Bool { left.nano < right.nano }
    public func hash(into hasher: inout Hasher) { hasher.combine(nano) }
}
