/// An amount of a resource (`100m`, `1.5`, `64Mi`, `1e3`), exact to a billionth.
public struct Quantity: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// How the value is written: with binary (`Ki`), decimal (`k`) or exponent (`e3`) suffixes.
    public enum Format: Sendable { case binarySI, decimalSI, decimalExponent }

    public init?(_ text: String) { nil }
    public init(milli: Int64, format: Format = .decimalSI) {}
    public init(_ value: Int64, format: Format = .decimalSI) {}

    public static let zero = Quantity(0)
    /// The value rounded up to a whole number.
    public var value: Int64 { 0 }
    /// The value in thousandths, rounded up.
    public var milliValue: Int64 { 0 }
    /// The canonical text.
    public var description: String { "" }
    public static func < (left: Quantity, right: Quantity) -> Bool { false }
    public static func + (left: Quantity, right: Quantity) -> Quantity { left }
    public static func - (left: Quantity, right: Quantity) -> Quantity { left }
}
