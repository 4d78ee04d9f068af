/// Prints a page of metrics straight into one buffer: no value becomes a String, names and labels are copied as they were
/// rendered. A scrape of 12,000 series takes about a millisecond this way, and a hundred times that by way of Strings.
///
///     var page = PageWriter(format: .prometheus)
///     page.begin(head)
///     page.sample(labels, value: .nanoseconds(1_500_000_000), at: 1_700_000_000_000)
///     let bytes = page.finish()
public struct PageWriter {
    public let format: TextFormat
    /// Bytes from `used` on are room that has been cleared but not written.
    private var bytes: [UInt8]
    private var used = 0
    /// What each sample of the family begins with.
    private var name: [UInt8] = []
    /// The family's header until its first sample: a family without samples is not shown.
    private var header: [UInt8] = []
    /// Samples written so far.
    public private(set) var samples = 0

    /// `reserving`: about as many bytes as the page will have; it grows beyond that.
    public init(format: TextFormat, reserving: Int = 64 << 10) {
        self.format = format
        bytes = [UInt8](repeating: 0, count: max(reserving, 1024))
    }

    /// Begins a family; its samples follow until the next. Each family is begun once.
    public mutating func begin(_ head: FamilyHead) {
        let rendered = format == .openMetrics ? head.openMetrics : head.prometheus
        name = rendered.sample
        header = rendered.header
    }

    /// One sample of the family: two groups of labels, since one is often a container's and the other the metric's.
    /// `time` is in milliseconds since 1970.
    public mutating func sample(
        _ labels: RenderedLabels = .none, _ more: RenderedLabels = .none, value: MetricValue, at time: Int64? = nil
    ) {
        // Braces, a comma, spaces, a line feed, at most 41 bytes of number and 24 of time.
        let room = header.count + name.count + labels.bytes.count + more.bytes.count + 96
        if bytes.count - used < room { grow(by: room) }
        samples += 1
        let isOpen = format == .openMetrics
        let start = used
        // Cursor writes at most `room` bytes from `start`, which the line above has made sure of.
        used = unsafe bytes.withUnsafeMutableBufferPointer { buffer in
            var cursor = unsafe Cursor(at: buffer.baseAddress! + start)
            if !header.isEmpty { cursor.copy(header) }
            cursor.copy(name)
            if !labels.bytes.isEmpty || !more.bytes.isEmpty {
                cursor.put(UInt8(ascii: "{"))
                cursor.copy(labels.bytes)
                if !labels.bytes.isEmpty, !more.bytes.isEmpty { cursor.put(UInt8(ascii: ",")) }
                cursor.copy(more.bytes)
                cursor.put(UInt8(ascii: "}"))
            }
            cursor.put(0x20)
            cursor.write(value)
            if let time {
                cursor.put(0x20)
                if isOpen {
                    if time < 0 { cursor.put(UInt8(ascii: "-")) }
                    cursor.write(time.magnitude, digits: 3)
                } else {
                    cursor.write(time)
                }
            }
            cursor.put(0x0A)
            return unsafe cursor.next - buffer.baseAddress!
        }
        if !header.isEmpty { header = [] }
    }

    /// A family of any kind, histograms too, whose samples are at hand as Strings.
    public mutating func append(_ family: MetricFamily) {
        bytes.removeLast(bytes.count - used)
        format.write(family, to: &bytes)
        used = bytes.count
        samples += family.samples.count
        header = []
    }

    /// Bytes written and not taken yet.
    public var pending: Int { used }

    /// What was written since the last time, for a page that is sent in pieces. The family goes on after it.
    public mutating func take() -> [UInt8] {
        let room = bytes.count
        bytes.removeLast(bytes.count - used)
        used = 0
        var taken = [UInt8](repeating: 0, count: room)
        swap(&taken, &bytes)
        return taken
    }

    /// The page, or what of it was not taken; OpenMetrics gets its end mark.
    public consuming func finish() -> [UInt8] {
        bytes.removeLast(bytes.count - used)
        if format == .openMetrics { bytes.append(contentsOf: "# EOF\n".utf8) }
        return bytes
    }

    private mutating func grow(by room: Int) {
        bytes.append(contentsOf: repeatElement(0, count: max(bytes.count, room)))
    }
}

/// Where the next byte goes. The writer has made room before, so nothing is checked here.
@safe private struct Cursor {
    private(set) var next: UnsafeMutablePointer<UInt8>

    init(at start: UnsafeMutablePointer<UInt8>) { unsafe next = start }

    @inline(__always) mutating func put(_ byte: UInt8) {
        unsafe next.pointee = byte
        unsafe next += 1
    }

    @inline(__always) mutating func copy(_ bytes: [UInt8]) {
        unsafe bytes.withUnsafeBufferPointer { source in
            guard let base = source.baseAddress else { return }
            unsafe next.update(from: base, count: source.count)
            unsafe next += source.count
        }
    }

    @inline(__always) mutating func write(_ value: MetricValue) {
        switch value {
        case .unsigned(let value): write(value)
        case .signed(let value): write(value)
        case .scaled(let value, let digits): write(value, digits: digits)
        case .double(let value): write(value)
        }
    }

    mutating func write(_ value: Int64) {
        if value < 0 { put(UInt8(ascii: "-")) }
        write(value.magnitude)
    }

    mutating func write(_ value: UInt64) {
        let count = Cursor.digits(of: value)
        writeDigits(value, count: count)
    }

    /// `value / 10^digits` exactly, without zeros at the end.
    mutating func write(_ value: UInt64, digits: Int) {
        let power = Cursor.powers[digits]
        let (whole, rest) = value.quotientAndRemainder(dividingBy: power)
        write(whole)
        guard rest > 0 else { return }
        var (fraction, count) = (rest, digits)
        while fraction % 10 == 0 {
            fraction /= 10
            count -= 1
        }
        put(UInt8(ascii: "."))
        writeDigits(fraction, count: count)
    }

    /// As TextFormat does: the shortest decimal that reads back, at most 24 bytes.
    mutating func write(_ value: Double) {
        var text: [UInt8] = []
        TextFormat.write(value, to: &text)
        copy(text)
    }

    /// The last `count` digits, with zeros in front.
    @inline(__always) private mutating func writeDigits(_ value: UInt64, count: Int) {
        var rest = value
        var position = count
        while position > 0 {
            position -= 1
            let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
            unsafe next[position] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: digit)
            rest = quotient
        }
        unsafe next += count
    }

    private static func digits(of value: UInt64) -> Int {
        // 1233 / 4096 is just over log10(2): the count of bits gives the count of digits or one more.
        let estimate = ((64 - value.leadingZeroBitCount) * 1233) >> 12
        return value < powers[estimate] ? max(estimate, 1) : estimate + 1
    }

    private static let powers: InlineArray<20, UInt64> = [
        1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000, 10_000_000_000, 100_000_000_000,
        1_000_000_000_000, 10_000_000_000_000, 100_000_000_000_000, 1_000_000_000_000_000, 10_000_000_000_000_000,
        100_000_000_000_000_000, 1_000_000_000_000_000_000, 10_000_000_000_000_000_000,
    ]
}
