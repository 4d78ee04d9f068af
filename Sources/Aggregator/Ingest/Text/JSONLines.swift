import Exposition
import JSON
import SeriesStore
import Telemetry

/// Reads VictoriaMetrics' lines, one series each:
/// `{"metric":{"__name__":"up","job":"x"},"values":[1,0],"timestamps":[1700000000000,1700000015000]}`.
///
/// Values that JSON cannot say are texts: `"NaN"`, `"Infinity"`, `"-Infinity"`, `"StaleNaN"`, and `"NaN:7ff80000deadbeef"`
/// for the bits of any other NaN; `null` is NaN.
enum JSONLines {
    static func read(_ bytes: Span<UInt8>, limits: IngestLimits, extra: [(String, String)]) throws(IngestError) -> IngestBatch {
        var batch = IngestBatch()
        var line = 0
        var offset = 0
        while offset < bytes.count {
            line += 1
            var end = offset
            while end < bytes.count, bytes[end] != 0x0A { end += 1 }
            if (offset..<end).contains(where: { bytes[$0] != 0x20 && bytes[$0] != 0x0D }) {
                let text = (offset..<end).map { bytes[$0] }
                do throws(IngestError) {
                    try add(text, limits, extra, &batch)
                } catch {
                    throw IngestError(error.status, "line \(line): \(error.reason)")
                }
            }
            offset = end + 1
        }
        return batch
    }

    private static func add(_ text: [UInt8], _ limits: IngestLimits, _ extra: [(String, String)], _ batch: inout IngestBatch) throws(IngestError) {
        let document: JSON
        do {
            document = try JSON.parse(text)
        } catch {
            throw IngestError(400, error.description)
        }
        guard let metric = document["metric"].object else { throw IngestError(400, "metric is missing, or no object") }
        guard let values = document["values"].array, let times = document["timestamps"].array else {
            throw IngestError(400, "values or timestamps are missing, or no arrays")
        }
        guard values.count == times.count else { throw IngestError(400, "\(values.count) values, but \(times.count) timestamps") }
        var pairs: [(String, String)] = []
        for (name, value) in metric {
            guard let text = value.string else { throw IngestError(400, "the label \(IngestLimits.short(name)) is no text") }
            pairs.append((name, text))
        }
        let labels = Labels(pairs + extra)
        batch.samples += values.count
        if let problem = limits.problem(labels) {
            batch.refuse(values.count, problem)
            return
        }
        var samples: [SeriesBatch.Sample] = []
        samples.reserveCapacity(values.count)
        for (value, time) in zip(values, times) {
            guard let time = time.int else { throw IngestError(400, "a timestamp is no whole number of milliseconds") }
            guard let number = number(value) else { throw IngestError(400, "a value is no number") }
            samples.append(.init(Int64(time), number))
        }
        batch.batches.append(SeriesBatch(labels: labels, samples: samples))
    }

    /// A value as this form writes it.
    static func number(_ value: JSON) -> Double? {
        if let number = value.double { return number }
        if value.isNull { return Double(bitPattern: 0x7ff8_0000_0000_0001) }
        guard let text = value.string else { return nil }
        return special(text) ?? DecimalNumber.value(of: text)
    }

    /// The bits of what is no number, as `ExportForm` writes them; nil for any other text.
    static func special(_ text: String) -> Double? {
        if text == "StaleNaN" { return .stale }
        guard text.hasPrefix("NaN:"), let bits = UInt64(text.dropFirst(4), radix: 16) else { return nil }
        let value = Double(bitPattern: bits)
        return value.isNaN ? value : nil
    }
}
