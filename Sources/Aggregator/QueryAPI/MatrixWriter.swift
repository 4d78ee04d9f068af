import PromQL
import Telemetry

/// Writes the series of a range query as JSON bytes: most of an answer's size, and with wide queries most of its cost.
enum MatrixWriter {
    /// Points from which on two tasks write.
    private static let manyPoints = 20_000

    static func write(_ series: [SeriesSamples], to text: inout [UInt8]) async {
        text.append(UInt8(ascii: "["))
        let points = series.reduce(0) { $0 + $1.timestamps.count }
        if points < manyPoints {
            append(series[...], to: &text)
        } else {
            // Halves of points, not of series.
            var middle = 0, before = 0
            while middle < series.count, before < points / 2 {
                before += series[middle].timestamps.count
                middle += 1
            }
            let rest = series[middle...]
            async let second = { () -> [UInt8] in
                var text: [UInt8] = []
                append(rest, to: &text)
                return text
            }()
            append(series[..<middle], to: &text)
            let other = await second
            if !other.isEmpty { text.append(UInt8(ascii: ",")) }
            text.append(contentsOf: other)
        }
        text.append(UInt8(ascii: "]"))
    }

    private static func append(_ series: ArraySlice<SeriesSamples>, to text: inout [UInt8]) {
        // A guess; the text grows if need be.
        text.reserveCapacity(text.count + series.reduce(0) { $0 + 160 + $1.timestamps.count * 28 })
        var times = TimeTexts()
        var writer = AnswerWriter()
        swap(&writer.text, &text)
        for (position, one) in series.enumerated() {
            writer.put(position > 0 ? ",{\"metric\":" : "{\"metric\":")
            writer.labels(one.labels)
            writer.put(",\"values\":[")
            times.prepare(one.timestamps)
            times.append(one.values, to: &writer.text)
            writer.put("]}")
        }
        swap(&writer.text, &text)
    }
}

/// The openings `[time,"` of a series' samples, which series mostly share.
private struct TimeTexts {
    /// An opening fills a slot in part: 20 characters of a time, a sign and five others at most.
    private typealias Slot = SIMD32<UInt8>

    private var timestamps: [Int64] = []
    private var slots: [Slot] = []
    private var lengths: [UInt8] = []

    mutating func prepare(_ wanted: [Int64]) {
        guard wanted != timestamps else { return }
        timestamps = wanted
        slots.removeAll(keepingCapacity: true)
        lengths.removeAll(keepingCapacity: true)
        var writer = AnswerWriter()
        for (index, time) in wanted.enumerated() {
            writer.text.removeAll(keepingCapacity: true)
            writer.put(index > 0 ? ",[" : "[")
            writer.time(time)
            writer.put(",\"")
            var slot = Slot()
            for (place, byte) in writer.text.enumerated() { slot[place] = byte }
            slots.append(slot)
            lengths.append(UInt8(writer.text.count))
        }
    }

    /// A sample for each of the times.
    func append(_ values: [Double], to text: inout [UInt8]) {
        precondition(values.count == slots.count)
        let slots = slots.span, lengths = lengths.span, values = values.span
        // A slot is copied whole and then written over from its length on, so each sample needs room for all of it.
        let room = MemoryLayout<Slot>.size + NumberText.maximumBytes + 2
        text.append(addingCapacity: values.count * room) { output in
            unsafe output.withUnsafeMutableBufferPointer { buffer, filled in
                guard let start = buffer.baseAddress else { return }
                var target = unsafe start + filled
                for index in values.indices {
                    // Within `room` for each sample, of which the capacity has as many as there are samples.
                    unsafe UnsafeMutableRawPointer(target).storeBytes(of: slots[index], as: Slot.self)
                    unsafe target += Int(lengths[index])
                    unsafe target += NumberText.put(values[index], at: target)
                    unsafe target[0] = UInt8(ascii: "\"")
                    unsafe target[1] = UInt8(ascii: "]")
                    unsafe target += 2
                }
                filled = unsafe target - start
            }
        }
    }
}
