import Telemetry

/// A text of a known size whose parts are put in their places in any order.
@safe struct TextOutput: ~Copyable {
    private let base: UnsafeMutablePointer<UInt8>
    let count: Int
    // The last date written: lines of one day follow one another.
    private var day = Int64.min
    private var date = (year: 1970, month: 1, day: 1)

    init(count: Int) {
        unsafe base = UnsafeMutablePointer<UInt8>.allocate(capacity: max(1, count))
        // A part that is never put must not show old memory.
        unsafe base.initialize(repeating: 0x0A, count: count)
        self.count = count
    }

    deinit { unsafe base.deallocate() }

    var bytes: [UInt8] { unsafe Array(UnsafeBufferPointer(start: base, count: count)) }

    @inline(__always)
    private func place(_ offset: Int, _ size: Int) -> UnsafeMutablePointer<UInt8> {
        precondition(offset >= 0 && size >= 0 && offset <= count &- size)
        return unsafe base + offset
    }

    @inline(__always)
    func put(_ source: Span<UInt8>, _ range: Range<Int>, at offset: Int) {
        precondition(range.lowerBound >= 0 && range.upperBound <= source.count)
        guard !range.isEmpty else { return }
        let place = unsafe place(offset, range.count)
        unsafe source.withUnsafeBufferPointer { unsafe place.update(from: $0.baseAddress! + range.lowerBound, count: range.count) }
    }

    /// The last `width` decimal digits.
    @inline(__always)
    func put(decimal value: UInt64, width: Int, at offset: Int) {
        let place = unsafe place(offset, width)
        var rest = value
        var index = width - 1
        while index >= 0 {
            let next = rest / 10
            unsafe place[index] = UInt8(truncatingIfNeeded: 0x30 + (rest &- next &* 10))
            rest = next
            index -= 1
        }
    }

    /// `digits` hexadecimal digits from packed ones, the first of a byte in its high half.
    @inline(__always)
    func put(hex packed: Span<UInt8>, from start: Int, digits: Int, isUpper: Bool, at offset: Int) {
        let place = unsafe place(offset, digits)
        let letter: UInt8 = isUpper ? 7 : 39
        var index = 0
        while index < digits {
            let byte = packed[start + index >> 1]
            let high = byte >> 4
            unsafe place[index] = 0x30 + high + (high > 9 ? letter : 0)
            index += 1
            guard index < digits else { break }
            let low = byte & 15
            unsafe place[index] = 0x30 + low + (low > 9 ? letter : 0)
            index += 1
        }
    }

    @inline(__always)
    func put(_ byte: UInt8, at offset: Int) { unsafe place(offset, 1).pointee = byte }

    /// The civil date of a day since 1970.
    mutating func date(ofDay value: Int64) -> (year: Int, month: Int, day: Int) {
        if value != day {
            // Damaged days must not trap.
            let civil = CivilTime(secondsSinceEpoch: min(max(value, -106_752), 106_752) * 86_400)
            day = value
            date = (civil.year, civil.month, civil.day)
        }
        return date
    }

    /// How many digits a number has.
    @inline(__always)
    static func digits(_ value: UInt64) -> Int {
        // 1233 / 4096 is about the logarithm of 2 to the base 10.
        let guess = ((64 - value.leadingZeroBitCount) * 1233) >> 12
        return guess + (value >= powers[guess] ? 1 : 0) + (value == 0 ? 1 : 0)
    }

    private static let powers: InlineArray<20, UInt64> = {
        var powers: InlineArray<20, UInt64> = .init(repeating: 1)
        for index in 1..<20 { powers[index] = powers[index - 1] * 10 }
        return powers
    }()
}
