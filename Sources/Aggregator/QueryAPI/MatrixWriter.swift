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
    private var timestamps: [Int64] = []
    private var writer = AnswerWriter()
    private var ends: [Int] = []

    mutating func prepare(_ wanted: [Int64]) {
        guard wanted != timestamps else { return }
        timestamps = wanted
        writer.text.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
        for (index, time) in wanted.enumerated() {
            writer.put(index > 0 ? ",[" : "[")
            writer.time(time)
            writer.put(",\"")
            ends.append(writer.text.count)
        }
    }

    /// A sample for each of the times.
    func append(_ values: [Double], to text: inout [UInt8]) {
        let openings = writer.text.span, ends = ends.span, values = values.span
        text.append(addingCapacity: openings.count + values.count * (NumberText.maximumBytes + 2)) { output in
            var position = 0
            for index in ends.indices {
                let end = ends[index]
                while position < end {
                    output.append(openings[position])
                    position += 1
                }
                NumberText.write(values[index], to: &output)
                output.append(UInt8(ascii: "\""))
                output.append(UInt8(ascii: "]"))
            }
        }
    }
}
