/// Numbers and durations as PromQL and Prometheus' API write them.
public enum NumberText {
    /// The most bytes that `write` appends.
    public static let maximumBytes = 32

    /// Appends the shortest decimal that reads back as the same double, in Prometheus' form of sample values:
    /// with an exponent below 1e-6 and from 1e21 on, and never a needless `.0`.
    public static func write(_ value: Double, to text: inout [UInt8]) {
        text.append(addingCapacity: maximumBytes) { write(value, to: &$0) }
    }

    /// The same to a buffer that has room for `maximumBytes`.
    public static func write(_ value: Double, to output: inout OutputSpan<UInt8>) {
        precondition(output.freeCapacity >= maximumBytes, "no room for a number")
        unsafe output.withUnsafeMutableBufferPointer { buffer, filled in
            // Below the capacity by the precondition.
            if let base = buffer.baseAddress { filled += unsafe put(value, at: base + filled) }
        }
    }

    /// The same to memory with room for `maximumBytes`, all of which it may change; gives the count of bytes that are the number's.
    @unsafe public static func put(_ value: Double, at target: UnsafeMutablePointer<UInt8>) -> Int {
        let magnitude = value.magnitude
        // By way back, as `UInt64(exactly:)` is a call into the mathematical library.
        if magnitude < 0x1p53, case let whole = UInt64(magnitude), Double(whole) == magnitude {
            guard value.sign == .minus else { return unsafe putWhole(whole, at: target) }
            unsafe target[0] = UInt8(ascii: "-")
            return unsafe putWhole(whole, at: target + 1) + 1
        }
        // The standard library's description is the shortest that reads back, and has our layout here: a fraction, so no `.0`.
        if magnitude >= 1e-4, magnitude < 0x1p53 {
            var sink = unsafe DigitSink(target)
            value.write(to: &sink)
            return sink.count
        }
        var text: [UInt8] = []
        write(value, usesExponent: magnitude != 0 && (magnitude < 1e-6 || magnitude >= 1e21), to: &text)
        for (index, byte) in text.enumerated() { unsafe target[index] = byte }
        return text.count
    }

    /// Decimal digits of a number below 10^16, eight at a time; the number's 16 bytes at most are written.
    @unsafe private static func putWhole(_ value: UInt64, at target: UnsafeMutablePointer<UInt8>) -> Int {
        let target = UnsafeMutableRawPointer(target)
        let high = value / 100_000_000
        let low = eightDigits(value % 100_000_000)
        guard high > 0 else {
            // Zeros in front are the lowest bytes; of nought the last digit stays.
            let skipped = min(7, low.trailingZeroBitCount / 8)
            unsafe target.storeBytes(of: ((low | zeros) >> UInt64(skipped * 8)).littleEndian, as: UInt64.self)
            return 8 - skipped
        }
        let first = eightDigits(high)
        let skipped = first.trailingZeroBitCount / 8
        unsafe target.storeBytes(of: ((first | zeros) >> UInt64(skipped * 8)).littleEndian, as: UInt64.self)
        unsafe (target + 8 - skipped).storeBytes(of: (low | zeros).littleEndian, as: UInt64.self)
        return 16 - skipped
    }

    /// `0` in each byte.
    private static let zeros: UInt64 = 0x3030_3030_3030_3030

    /// The eight decimal digits of a number below 10^8, the first in the lowest byte: it is parted into halves, and those again, all parts
    /// of a round by one multiplication (by the reciprocal as a fixed-point number, exact for parts of this size).
    private static func eightDigits(_ value: UInt64) -> UInt64 {
        let fours = value / 10_000 | (value % 10_000) << 32
        let hundreds = (fours &* 10_486) >> 20 & 0x7F_0000_007F
        let twos = hundreds | (fours &- hundreds &* 100) << 16
        let tens = (twos &* 103) >> 10 & 0x000F_000F_000F_000F
        return tens | (twos &- tens &* 10) << 8
    }

    /// As `write`, but never with an exponent, as `count_values` writes labels.
    public static func plain(_ value: Double) -> String {
        var text: [UInt8] = []
        write(value, usesExponent: false, to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    public static func string(_ value: Double) -> String {
        var text: [UInt8] = []
        write(value, to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    /// With an exponent whatever the size, as the API shows an alert's value: `1e+00`, `1.25e-03`.
    public static func scientific(_ value: Double) -> String {
        guard value.isFinite else { return string(value) }
        guard value != 0 else { return value.sign == .minus ? "-0e+00" : "0e+00" }
        var text: [UInt8] = value < 0 ? [UInt8(ascii: "-")] : []
        let (digits, exponent) = shortest("\(value.magnitude)")
        writeScientific(digits, exponent, to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    /// `0.DIGITS * 10^exponent` with the point behind the first digit.
    private static func writeScientific(_ digits: [UInt8], _ exponent: Int, to text: inout [UInt8]) {
        text.append(digits[0])
        if digits.count > 1 {
            text.append(UInt8(ascii: "."))
            text.append(contentsOf: digits[1...])
        }
        text.append(UInt8(ascii: "e"))
        let power = exponent - 1
        text.append(UInt8(ascii: power < 0 ? "-" : "+"))
        if power.magnitude < 10 { text.append(UInt8(ascii: "0")) }
        writeWhole(UInt64(power.magnitude), to: &text)
    }

    private static func write(_ value: Double, usesExponent: Bool, to text: inout [UInt8]) {
        if value.isNaN {
            text.append(contentsOf: "NaN".utf8)
            return
        }
        if value.isInfinite {
            text.append(contentsOf: (value > 0 ? "+Inf" : "-Inf").utf8)
            return
        }
        if value.sign == .minus { text.append(UInt8(ascii: "-")) }
        let magnitude = value.magnitude
        if magnitude < 0x1p53, let whole = UInt64(exactly: magnitude) {
            writeWhole(whole, to: &text)
            return
        }
        // The standard library's description is the shortest that reads back, and has our layout unless it has an exponent.
        let description = magnitude.description
        if !usesExponent, !description.utf8.contains(UInt8(ascii: "e")) {
            text.append(contentsOf: description.utf8)
            if text.suffix(2).elementsEqual(".0".utf8) { text.removeLast(2) }
            return
        }
        let (digits, exponent) = shortest(description)
        if usesExponent {
            writeScientific(digits, exponent, to: &text)
        } else if exponent <= 0 {
            text.append(contentsOf: "0.".utf8)
            text.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: -exponent))
            text.append(contentsOf: digits)
        } else if exponent >= digits.count {
            text.append(contentsOf: digits)
            text.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: exponent - digits.count))
        } else {
            text.append(contentsOf: digits[..<exponent])
            text.append(UInt8(ascii: "."))
            text.append(contentsOf: digits[exponent...])
        }
    }

    static func writeWhole(_ value: UInt64, to text: inout [UInt8]) {
        var count = 1
        var limit: UInt64 = 10
        while value >= limit {
            count += 1
            let (next, overflow) = limit.multipliedReportingOverflow(by: 10)
            if overflow { break }
            limit = next
        }
        var place = text.count + count
        text.append(contentsOf: repeatElement(0, count: count))
        var digits = text.mutableSpan
        var rest = value
        for _ in 0..<count {
            place -= 1
            digits[place] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
    }

    /// The digits of `0.DIGITS * 10^exponent`, without zeros at either end.
    private static func shortest(_ description: String) -> (digits: [UInt8], exponent: Int) {
        var digits: [UInt8] = []
        var exponent = 0
        var isFraction = false
        var power = 0
        var isPower = false
        var isNegativePower = false
        for byte in description.utf8 {
            switch byte {
            case UInt8(ascii: "."): isFraction = true
            case UInt8(ascii: "e"): isPower = true
            case UInt8(ascii: "-"): isNegativePower = true
            case UInt8(ascii: "+"): break
            default:
                if isPower {
                    power = power * 10 + Int(byte - UInt8(ascii: "0"))
                } else if digits.isEmpty, byte == UInt8(ascii: "0") {
                    if isFraction { exponent -= 1 }
                } else {
                    digits.append(byte)
                    if !isFraction { exponent += 1 }
                }
            }
        }
        while digits.count > 1, digits.last == UInt8(ascii: "0") { digits.removeLast() }
        return (digits, exponent + (isNegativePower ? -power : power))
    }

    /// `1h30m`, or with milliseconds at the end; `0s` for none.
    public static func duration(milliseconds: Int64) -> String {
        guard milliseconds != 0 else { return "0s" }
        var text = milliseconds < 0 ? "-" : ""
        var rest = Int64(milliseconds.magnitude)
        for (unit, size) in durationUnits {
            // Years and weeks are written only where nothing smaller is lost in them, as Prometheus does.
            if unit == "y" || unit == "w", rest % size != 0 { continue }
            if rest >= size {
                text += "\(rest / size)\(unit)"
                rest %= size
            }
        }
        return text
    }

    /// Units in descending order with their milliseconds.
    static let durationUnits: [(unit: String, milliseconds: Int64)] = [
        ("y", 31_536_000_000), ("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1),
    ]

    /// Reads a number as a label such as `le` holds it: a decimal, `+Inf`, `-Inf` or `NaN` in any case. Nil if it is none.
    public static func parseFloat(_ text: String) -> Double? {
        switch text.lowercased() {
        case "inf", "+inf", "infinity", "+infinity": .infinity
        case "-inf", "-infinity": -.infinity
        case "nan", "+nan", "-nan": .nan
        default: text.utf8.contains(where: { $0 | 0x20 == UInt8(ascii: "x") || $0 | 0x20 == UInt8(ascii: "p") || $0 == 0x20 }) ? nil : Double(text)
        }
    }

    /// Reads `1h30m`: whole numbers with units in descending order, each once. Nil if it is not that or too long.
    public static func parseDuration(_ text: some Collection<UInt8>) -> Int64? {
        if text.elementsEqual([UInt8(ascii: "0")]) { return 0 }
        var total: Int64 = 0
        var position = text.startIndex
        var last = -1
        guard position < text.endIndex else { return nil }
        while position < text.endIndex {
            var value: Int64 = 0
            let start = position
            while position < text.endIndex, (48...57).contains(text[position]) {
                guard value < 1_000_000_000_000_000 else { return nil }
                value = value * 10 + Int64(text[position] - 48)
                position = text.index(after: position)
            }
            guard position > start else { return nil }
            let unitStart = position
            while position < text.endIndex, (97...122).contains(text[position]) { position = text.index(after: position) }
            guard let index = durationUnits.firstIndex(where: { $0.unit.utf8.elementsEqual(text[unitStart..<position]) }), index > last else { return nil }
            last = index
            let (part, overflow) = value.multipliedReportingOverflow(by: durationUnits[index].milliseconds)
            let (sum, carry) = total.addingReportingOverflow(part)
            // Prometheus holds durations in nanoseconds in 64 bits.
            guard !overflow, !carry, sum <= Int64.max / 1_000_000 else { return nil }
            total = sum
        }
        return total
    }
}
