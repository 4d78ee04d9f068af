/// A metric's value with the digits that the kernel gave it: whole numbers and decimals stay exact, so that 34.721 s is
/// printed as such and not as what a sum of doubles makes of it.
public struct NodeValue: Hashable, Sendable {
    /// The number times ten to the power of `digits`; the bit pattern of a double if `digits` is 255.
    public let mantissa: Int64
    public let digits: UInt8

    static let isDouble: UInt8 = 255

    private init(mantissa: Int64, digits: UInt8) {
        self.mantissa = mantissa
        self.digits = digits
    }

    /// A whole number; as a double beyond 63 bits.
    public static func integer(_ value: UInt64) -> NodeValue {
        Int64(exactly: value).map { NodeValue(mantissa: $0, digits: 0) } ?? .double(Double(value))
    }
    public static func integer(_ value: Int64) -> NodeValue { NodeValue(mantissa: value, digits: 0) }

    /// `mantissa` / 10^`digits`, with at most 18 digits.
    public static func decimal(_ mantissa: Int64, digits: UInt8) -> NodeValue {
        digits <= 18 ? NodeValue(mantissa: mantissa, digits: digits) : .double(Double(mantissa) / power(digits))
    }
    public static func decimal(_ mantissa: UInt64, digits: UInt8) -> NodeValue {
        Int64(exactly: mantissa).map { .decimal($0, digits: digits) } ?? .double(Double(mantissa) / power(digits))
    }
    public static func flag(_ value: Bool) -> NodeValue { NodeValue(mantissa: value ? 1 : 0, digits: 0) }
    public static func double(_ value: Double) -> NodeValue {
        NodeValue(mantissa: Int64(bitPattern: value.bitPattern), digits: isDouble)
    }

    /// The nearest double: one division of two numbers that a double holds exactly, if the mantissa has at most 53 bits.
    public var double: Double {
        switch digits {
        case 0: Double(mantissa)
        case NodeValue.isDouble: Double(bitPattern: UInt64(bitPattern: mantissa))
        default: Double(mantissa) / NodeValue.power(digits)
        }
    }

    /// The double that `mantissa` is the bit pattern of; nil for a whole number or a decimal.
    public var asDouble: Double? { digits == NodeValue.isDouble ? double : nil }

    private static let powers: [Double] = [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18]
    private static func power(_ digits: UInt8) -> Double { powers[min(Int(digits), 18)] }
}
