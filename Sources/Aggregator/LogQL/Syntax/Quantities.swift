import Glibc

/// Durations and sizes, as queries and as the values of labels write them.
enum Quantities {
    /// Units in descending order, with their nanoseconds.
    static let durationUnits: [(unit: String, nanoseconds: Double)] = [
        ("y", 31_536e12), ("w", 604_800e9), ("d", 86_400e9), ("h", 3600e9), ("m", 60e9), ("s", 1e9), ("ms", 1e6), ("us", 1e3), ("µs", 1e3), ("μs", 1e3),
        ("ns", 1),
    ]
    static let byteUnits: [(unit: String, bytes: Double)] = [
        ("B", 1), ("kB", 1e3), ("KB", 1e3), ("MB", 1e6), ("GB", 1e9), ("TB", 1e12), ("PB", 1e15), ("KiB", 0x1p10), ("MiB", 0x1p20), ("GiB", 0x1p30),
        ("TiB", 0x1p40),
        ("PiB", 0x1p50),
    ]

    private static func isDigit(_ byte: UInt8) -> Bool { byte &- 48 < 10 }

    /// `1h30m`, `1.5s`; with `goOnly` just the units from nanoseconds to hours. In nanoseconds; nil if it is none or too long.
    static func duration(_ text: some Collection<UInt8>, goOnly: Bool = false) -> Double? {
        var rest = Array(text)[...]
        var sign = 1.0
        if let first = rest.first, first == UInt8(ascii: "-") || first == UInt8(ascii: "+") {
            if first == UInt8(ascii: "-") { sign = -1 }
            rest.removeFirst()
        }
        if rest.elementsEqual([UInt8(ascii: "0")]), goOnly { return 0 }
        guard !rest.isEmpty else { return nil }
        var total = 0.0
        while !rest.isEmpty {
            let number = rest.prefix { isDigit($0) || $0 == UInt8(ascii: ".") }
            guard let value = decimal(number) else { return nil }
            rest = rest.dropFirst(number.count)
            let letters = rest.prefix { !isDigit($0) && $0 != UInt8(ascii: ".") }
            guard let unit = durationUnits.first(where: { $0.unit.utf8.elementsEqual(letters) }), !goOnly || unit.nanoseconds <= 3600e9 else { return nil }
            rest = rest.dropFirst(letters.count)
            total += value * unit.nanoseconds
        }
        guard total < 0x1p63 else { return nil }
        return sign * total
    }

    /// `512`, `1.5MB`; in a label's value the unit's case and blanks before it do not matter.
    static func bytes(_ text: some Collection<UInt8>, isValue: Bool) -> Double? {
        let text = Array(text)
        let number = text.prefix { isDigit($0) || $0 == UInt8(ascii: ".") || isValue && $0 == UInt8(ascii: ",") }
        guard let value = decimal(number.filter { $0 != UInt8(ascii: ",") }[...]) else { return nil }
        var letters = text.dropFirst(number.count)
        guard isValue else { return byteUnits.first { $0.unit.utf8.elementsEqual(letters) }.map { value * $0.bytes } }
        letters = letters.drop { $0 == 0x20 }
        guard !letters.isEmpty else { return value }
        let unit = String(decoding: letters, as: UTF8.self).lowercased()
        return byteUnits.first { $0.unit.lowercased() == unit || String($0.unit.dropLast()).lowercased() == unit }.map { value * $0.bytes }
    }

    /// A number as a label holds it: any decimal, also with an exponent; not hexadecimal.
    static func number(_ text: String) -> Double? {
        let bytes = text.utf8
        // The quick case: few digits.
        if bytes.count < 16, bytes.allSatisfy(isDigit), !bytes.isEmpty { return Double(bytes.reduce(0) { $0 * 10 + Int($1 - 48) }) }
        switch text.lowercased() {
        case "inf", "+inf", "infinity", "+infinity": return .infinity
        case "-inf", "-infinity": return -.infinity
        case "nan": return .nan
        default: break
        }
        guard let last = bytes.last, isDigit(last) || last == UInt8(ascii: "."),
            bytes.allSatisfy({ isDigit($0) || ".eE+-".utf8.contains($0) })
        else { return nil }
        return Double(last == UInt8(ascii: ".") ? text + "0" : text)
    }

    /// Digits with at most one point and at least one digit.
    private static func decimal(_ text: ArraySlice<UInt8>) -> Double? {
        guard text.contains(where: isDigit), text.count(where: { $0 == UInt8(ascii: ".") }) <= 1 else { return nil }
        return Double("0" + String(decoding: text, as: UTF8.self) + (text.last == UInt8(ascii: ".") ? "0" : ""))
    }

    // MARK: Printing

    /// `1h30m`; whole units from weeks down, so that it reads back equal.
    static func text(nanoseconds: Int64) -> String {
        guard nanoseconds != 0 else { return "0s" }
        var text = nanoseconds < 0 ? "-" : ""
        var rest = nanoseconds.magnitude
        for (unit, size) in [
            ("d", UInt64(86_400_000_000_000)), ("h", 3_600_000_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1000),
            ("ns", 1),
        ]
        where rest >= size {
            text += "\(rest / size)\(unit)"
            rest %= size
        }
        return text
    }

    static func text(bytes: Double) -> String {
        for (unit, size) in byteUnits.reversed() where bytes >= size && unit != "kB" {
            let count = bytes / size
            if count == count.rounded(), count < 0x1p53 { return "\(number: count)\(unit)" }
        }
        return "\(number: bytes)B"
    }
}

extension DefaultStringInterpolation {
    /// The shortest decimal that reads back as the same number, without a needless `.0`.
    mutating func appendInterpolation(number: Double) {
        switch number {
        case .infinity: appendLiteral("+Inf")
        case -.infinity: appendLiteral("-Inf")
        case _ where number.isNaN: appendLiteral("NaN")
        case _ where number == number.rounded() && number.magnitude < 1e15: appendLiteral(String(Int64(number)))
        default: appendLiteral(number.description)
        }
    }
}
